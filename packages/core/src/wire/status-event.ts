/**
 * Status events: what workers tell of calls, and the segments in which they are stored and sent.
 *
 * A segment is an envelope of kind S: `{ v: 1, worker, events: [tuple, …] }`; bytes (inline results, encoded errors)
 * stand in the body in the order of the events that have them. Tuples keep a million events small:
 *
 *     ['S', call, attempt, slot, startedAtMs]
 *     ['F', call, attempt, slot, startedAtMs, finishedAtMs, [cpuUserMs, cpuSystemMs, maxRssBytes]|0, outcome]
 *     ['L', call, attempt, stream, atMs, text, extra|0]
 *
 * and an outcome is `['v', bytesInBody]`, `['k', key, bytes]`, `['e', bytesInBody, name, message]`, or
 * `['o', { kind, … }]` for the rest.
 */
import { SerializationError } from '../errors/splitrock-error.ts';
import type { SerializedError } from '../errors/serialize-error.ts';
import type { LossReason } from '../contracts/calls.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope.ts';

interface CallEvent {
  readonly callId: number;
  readonly attempt: number;
  readonly workerId: string;
}

export interface CallStarted extends CallEvent {
  readonly type: 'started';
  /** Number of the slot within the worker, from 0. */
  readonly slot: number;
  /** By the worker's clock. */
  readonly startedAtMs: number;
}

/** Terminal for its attempt. Carries the start too: `started` is left out for calls that end before it is sent. */
export interface CallFinished extends CallEvent {
  readonly type: 'finished';
  readonly slot: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly outcome: CallOutcome;
  /** What the slot process used while the call ran; absent where calls share a process. */
  readonly usage?: CallUsage;
}

export interface CallLog extends CallEvent {
  readonly type: 'log';
  /** `log` is the call context's own logger. Output that no single call can own (shared processes) has callId -1. */
  readonly stream: 'stdout' | 'stderr' | 'log';
  readonly atMs: number;
  readonly text: string;
  /** Level and fields of the context's logger; `truncatedBytes` where output was cut. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export type StatusEvent = CallStarted | CallFinished | CallLog;

export type CallOutcome =
  /** A value, encoded by the codec: inline, or in storage. */
  | { readonly kind: 'value'; readonly inline: Uint8Array }
  | { readonly kind: 'value'; readonly key: string; readonly bytes: number }
  /** The function threw; what it threw, encoded by the codec. Name and message for those who do not decode. */
  | { readonly kind: 'error'; readonly error: Uint8Array; readonly name: string; readonly message: string }
  /** Splitrock could not run the call or take its result: a damaged artifact, a result that cannot travel. */
  | { readonly kind: 'failed'; readonly error: SerializedError }
  /** Stopped at its timeout; `by` tells what it took. */
  | { readonly kind: 'timeout'; readonly timeoutMs: number; readonly by: 'abort' | 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'lost'; readonly reason: LossReason };

export interface CallUsage {
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  /** Peak resident memory of the slot process so far. */
  readonly maxRssBytes: number;
}

type Tuple = readonly unknown[];

/** Encodes events of one worker. */
export function encodeStatusSegment(workerId: string, events: readonly StatusEvent[]): Uint8Array {
  const body: Uint8Array[] = [];
  return encodeEnvelope('S', { v: 1, worker: workerId, events: events.map((event) => toTuple(event, body)) }, body);
}

function toTuple(event: StatusEvent, body: Uint8Array[]): Tuple {
  switch (event.type) {
    case 'started':
      return ['S', event.callId, event.attempt, event.slot, event.startedAtMs];
    case 'finished': {
      const { callId, attempt, slot, startedAtMs, finishedAtMs, usage, outcome } = event;
      return [
        'F',
        callId,
        attempt,
        slot,
        startedAtMs,
        finishedAtMs,
        usageToTuple(usage),
        outcomeToTuple(outcome, body),
      ];
    }
    case 'log':
      return ['L', event.callId, event.attempt, event.stream, event.atMs, event.text, event.extra ?? 0];
  }
}

const usageToTuple = (usage: CallUsage | undefined): Tuple | 0 =>
  usage === undefined ? 0 : [usage.cpuUserMs, usage.cpuSystemMs, usage.maxRssBytes];

function outcomeToTuple(outcome: CallOutcome, body: Uint8Array[]): Tuple {
  if (outcome.kind === 'value') {
    if ('key' in outcome) return ['k', outcome.key, outcome.bytes];
    body.push(outcome.inline);
    return ['v', outcome.inline.length];
  }
  if (outcome.kind === 'error') {
    body.push(outcome.error);
    return ['e', outcome.error.length, outcome.name, outcome.message];
  }
  return ['o', outcome];
}

/**
 * Decodes a segment. Inline bytes are views on the input.
 * @throws SerializationError `DATA_CORRUPT`, `DATA_VERSION`.
 */
export function decodeStatusSegment(bytes: Uint8Array): StatusEvent[] {
  const { header, body } = decodeEnvelope('S', bytes, 'Status segment');
  const { v, worker, events } = (header ?? {}) as { v?: unknown; worker?: unknown; events?: unknown };
  if (v !== 1 || typeof worker !== 'string' || !Array.isArray(events)) throw corrupt();
  let offset = 0;
  const take = (length: unknown): Uint8Array => {
    if (!isCount(length) || offset + length > body.length) throw corrupt();
    offset += length;
    return body.subarray(offset - length, offset);
  };
  return events.map((tuple) => fromTuple(tuple, worker, take));
}

// Hand-written checks: a schema library costs tens of microseconds an event, and a job may have a million.
function fromTuple(tuple: unknown, workerId: string, take: (length: unknown) => Uint8Array): StatusEvent {
  if (!Array.isArray(tuple)) throw corrupt();
  const [tag, callId, attempt, third, fourth, fifth, sixth, seventh] = tuple as unknown[];
  if (!Number.isSafeInteger(callId) || !isCount(attempt)) throw corrupt();
  const common = { callId: callId as number, attempt, workerId };
  if (tag === 'L') {
    if (
      (third !== 'stdout' && third !== 'stderr' && third !== 'log') ||
      typeof fourth !== 'number' ||
      typeof fifth !== 'string'
    ) {
      throw corrupt();
    }
    const event: CallLog = { ...common, type: 'log', stream: third, atMs: fourth, text: fifth };
    return isRecord(sixth) ? { ...event, extra: sixth } : event;
  }
  if (!isCount(third) || typeof fourth !== 'number') throw corrupt();
  if (tag === 'S') return { ...common, type: 'started', slot: third, startedAtMs: fourth };
  if (tag !== 'F' || typeof fifth !== 'number' || !Array.isArray(seventh)) throw corrupt();
  const finished: CallFinished = {
    ...common,
    type: 'finished',
    slot: third,
    startedAtMs: fourth,
    finishedAtMs: fifth,
    outcome: outcomeFromTuple(seventh, take),
  };
  return sixth === 0 ? finished : { ...finished, usage: usageFromTuple(sixth) };
}

function usageFromTuple(tuple: unknown): CallUsage {
  const [cpuUserMs, cpuSystemMs, maxRssBytes] = Array.isArray(tuple) ? (tuple as unknown[]) : [];
  if (typeof cpuUserMs !== 'number' || typeof cpuSystemMs !== 'number' || typeof maxRssBytes !== 'number')
    throw corrupt();
  return { cpuUserMs, cpuSystemMs, maxRssBytes };
}

const OTHER_OUTCOMES = new Set(['failed', 'timeout', 'cancelled', 'lost']);

function outcomeFromTuple(tuple: readonly unknown[], take: (length: unknown) => Uint8Array): CallOutcome {
  const [tag, first, second, third] = tuple;
  if (tag === 'v') return { kind: 'value', inline: take(first) };
  if (tag === 'k' && typeof first === 'string' && isCount(second)) return { kind: 'value', key: first, bytes: second };
  if (tag === 'e' && typeof second === 'string' && typeof third === 'string') {
    return { kind: 'error', error: take(first), name: second, message: third };
  }
  if (tag === 'o' && isRecord(first) && OTHER_OUTCOMES.has(first['kind'] as string))
    return first as unknown as CallOutcome;
  throw corrupt();
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const corrupt = (): SerializationError =>
  new SerializationError('DATA_CORRUPT', 'Status segment is damaged; its calls are treated as unfinished.');
