/**
 * A job's inputs, on their way to storage and to the backend. Small ones also travel inline with a submission, which
 * saves the worker a read and lets calls start before storage has answered.
 */
import type { CallRange, JobRef } from '../contracts/calls.ts';
import type { CallSubmission } from '../contracts/backend.ts';
import type { Storage } from '../contracts/storage.ts';
import { decodeInputPart, encodeInputPart, type InputPart } from '../wire/input-part.ts';
import { inputPartKey } from '../wire/storage-keys.ts';

/** Encoded inputs up to this size travel in a submission. */
const INLINE_BYTES = 64 * 1024;
/** Calls and bytes that one part holds at most. */
export const PART_CALLS = 65_536;
export const PART_BYTES = 16 * 1024 * 1024;

interface StoredPart extends InputPart {
  readonly persisted: Promise<unknown>;
  /** Kept for parts small enough to travel inline. */
  readonly bytes: Uint8Array | undefined;
}

/** The inputs of one submission: calls whose inputs are in one place. */
export interface SubmissionInputs {
  readonly calls: CallRange;
  readonly inputs: Pick<CallSubmission, 'part' | 'inlineInputs'>;
  /** Must resolve before the submission: the part that it names is in storage then. */
  readonly persisted: Promise<unknown> | undefined;
}

export class InputStore {
  readonly #storage: Storage;
  readonly #job: JobRef;
  readonly #onTrouble: (error: unknown) => void;
  /** In order of their first call. */
  readonly #parts: StoredPart[] = [];
  /** Inputs of calls that waited for other calls' results. */
  readonly #resolved = new Map<number, StoredPart>();

  constructor(storage: Storage, job: JobRef, onTrouble: (error: unknown) => void) {
    this.#storage = storage;
    this.#job = job;
    this.#onTrouble = onTrouble;
  }

  /** Adds the payloads of the next calls, as a part. */
  add(firstCall: number, payloads: readonly Uint8Array[]): void {
    this.#parts.push(this.#persist(firstCall, payloads));
  }

  /** Adds an encoded part of the next calls that is stored with something else. */
  addEncoded(firstCall: number, calls: number, bytes: Uint8Array): void {
    this.#parts.push({ firstCall, calls, bytes, persisted: Promise.resolve() });
  }

  /** A part that is in storage already. */
  addStored(part: InputPart): void {
    this.#parts.push({ ...part, persisted: Promise.resolve(), bytes: undefined });
  }

  /** The input of a call whose payload in its part is only a pending reference. */
  resolve(callId: number, payload: Uint8Array): void {
    this.#resolved.set(callId, this.#persist(callId, [payload]));
  }

  /** Resolves once all that was added is in storage. */
  async persisted(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.persisted));
  }

  /** Splits calls by where their inputs are. */
  *submissions(calls: CallRange): Generator<SubmissionInputs> {
    let from = calls.from;
    while (from < calls.to) {
      const resolved = this.#resolved.get(from);
      const part = resolved ?? this.#partOf(from);
      let to = Math.min(calls.to, part.firstCall + part.calls);
      if (resolved === undefined && this.#resolved.size > 0) {
        const nextResolved = firstWhere(from, to, (callId) => this.#resolved.has(callId));
        to = nextResolved ?? to;
      }
      yield this.#submission(part, { from, to });
      from = to;
    }
  }

  #submission(part: StoredPart, calls: CallRange): SubmissionInputs {
    if (part.bytes === undefined) {
      return { calls, inputs: { part: { firstCall: part.firstCall, calls: part.calls } }, persisted: part.persisted };
    }
    const whole = calls.from === part.firstCall && calls.to === part.firstCall + part.calls;
    return { calls, inputs: { inlineInputs: whole ? part.bytes : slice(part.bytes, calls) }, persisted: undefined };
  }

  #persist(firstCall: number, payloads: readonly Uint8Array[]): StoredPart {
    const part = { firstCall, calls: payloads.length };
    const bytes = encodeInputPart(firstCall, payloads);
    const persisted = this.#storage.put(inputPartKey(this.#job, part), bytes);
    persisted.catch(this.#onTrouble);
    return { ...part, persisted, bytes: bytes.length <= INLINE_BYTES ? bytes : undefined };
  }

  #partOf(callId: number): StoredPart {
    let low = 0;
    let high = this.#parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#parts[middle] as StoredPart).firstCall <= callId) low = middle;
      else high = middle - 1;
    }
    const part = this.#parts[low];
    if (part === undefined || callId >= part.firstCall + part.calls)
      throw new RangeError(`Call ${callId} has no input.`);
    return part;
  }
}

function slice(part: Uint8Array, calls: CallRange): Uint8Array {
  const decoded = decodeInputPart(part);
  const payloads = Array.from({ length: calls.to - calls.from }, (_, index) => decoded.payload(calls.from + index));
  return encodeInputPart(calls.from, payloads);
}

function firstWhere(from: number, to: number, matches: (callId: number) => boolean): number | undefined {
  for (let callId = from; callId < to; callId += 1) if (matches(callId)) return callId;
  return undefined;
}
