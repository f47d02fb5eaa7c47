/** When and where each call ran and what it used: 47 bytes a call, for pictures, statistics and progress. */
import type { CallUsage } from '../wire/status-event.ts';
import { grow } from './call-states.ts';

/** How a call ended, as pictures and statistics tell it. */
export type RecordedOutcome = 'value' | 'error' | 'timeout' | 'lost' | 'cancelled';

/** What is known of a call that ended (its last attempt). */
export interface CallRecord {
  readonly callId: number;
  readonly jobName: string;
  readonly workerId: string;
  readonly slot: number;
  readonly attempt: number;
  /** By the client's clock. */
  readonly submittedAtMs: number;
  /** By the worker's clock. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly outcome: RecordedOutcome;
  /** What the call used, where its worker could tell: not of calls that shared a process or never ended by themselves. */
  readonly usage?: CallUsage;
}

const OUTCOMES: readonly RecordedOutcome[] = ['value', 'error', 'timeout', 'lost', 'cancelled'];
const FIRST_CAPACITY = 64;

export class CallRecords {
  #capacity = FIRST_CAPACITY;
  #submittedAtMs = new Float64Array(FIRST_CAPACITY);
  #startedAtMs = new Float64Array(FIRST_CAPACITY);
  #finishedAtMs = new Float64Array(FIRST_CAPACITY);
  #worker = new Uint16Array(FIRST_CAPACITY);
  #slot = new Uint16Array(FIRST_CAPACITY);
  #attempt = new Uint16Array(FIRST_CAPACITY);
  /** Milliseconds; not a number where nothing is known of the call's usage. */
  #cpuUserMs = new Float32Array(FIRST_CAPACITY);
  #cpuSystemMs = new Float32Array(FIRST_CAPACITY);
  #maxRssBytes = new Float64Array(FIRST_CAPACITY);
  /** Index into OUTCOMES plus one; 0 while the call has not ended. */
  #outcome = new Uint8Array(FIRST_CAPACITY);
  readonly #workers: string[] = [];
  readonly #workerIndex = new Map<string, number>();
  #size = 0;

  submitted(from: number, to: number, nowMs: number): void {
    this.#ensure(to);
    this.#submittedAtMs.fill(nowMs, from, to);
  }

  finished(record: Omit<CallRecord, 'jobName' | 'submittedAtMs'>): void {
    const { callId } = record;
    this.#ensure(callId + 1);
    this.#startedAtMs[callId] = record.startedAtMs;
    this.#finishedAtMs[callId] = record.finishedAtMs;
    this.#worker[callId] = this.#indexOf(record.workerId);
    this.#slot[callId] = record.slot;
    this.#attempt[callId] = record.attempt;
    this.#cpuUserMs[callId] = record.usage?.cpuUserMs ?? Number.NaN;
    this.#cpuSystemMs[callId] = record.usage?.cpuSystemMs ?? Number.NaN;
    this.#maxRssBytes[callId] = record.usage?.maxRssBytes ?? Number.NaN;
    this.#outcome[callId] = OUTCOMES.indexOf(record.outcome) + 1;
  }

  /** Records of all calls that ran to an end, in order of call ids. */
  *entries(jobName: string): Generator<CallRecord> {
    for (let callId = 0; callId < this.#size; callId += 1) {
      const record = this.get(callId, jobName);
      if (record !== undefined) yield record;
    }
  }

  get(callId: number, jobName: string): CallRecord | undefined {
    const outcome = OUTCOMES[(this.#outcome[callId] ?? 0) - 1];
    if (outcome === undefined) return undefined;
    const usage = this.#usageOf(callId);
    return {
      callId,
      jobName,
      workerId: this.#workers[this.#worker[callId] as number] as string,
      slot: this.#slot[callId] as number,
      attempt: this.#attempt[callId] as number,
      submittedAtMs: this.#submittedAtMs[callId] as number,
      startedAtMs: this.#startedAtMs[callId] as number,
      finishedAtMs: this.#finishedAtMs[callId] as number,
      outcome,
      ...(usage === undefined ? {} : { usage }),
    };
  }

  #usageOf(callId: number): CallUsage | undefined {
    const cpuUserMs = this.#cpuUserMs[callId] as number;
    if (Number.isNaN(cpuUserMs)) return undefined;
    return {
      cpuUserMs,
      cpuSystemMs: this.#cpuSystemMs[callId] as number,
      maxRssBytes: this.#maxRssBytes[callId] as number,
    };
  }

  #indexOf(workerId: string): number {
    let index = this.#workerIndex.get(workerId);
    if (index === undefined) {
      index = this.#workers.push(workerId) - 1;
      this.#workerIndex.set(workerId, index);
    }
    return index;
  }

  #ensure(size: number): void {
    if (size > this.#capacity) {
      this.#capacity = Math.max(size, this.#capacity * 2);
      this.#submittedAtMs = grow(this.#submittedAtMs, this.#capacity);
      this.#startedAtMs = grow(this.#startedAtMs, this.#capacity);
      this.#finishedAtMs = grow(this.#finishedAtMs, this.#capacity);
      this.#worker = grow(this.#worker, this.#capacity);
      this.#slot = grow(this.#slot, this.#capacity);
      this.#attempt = grow(this.#attempt, this.#capacity);
      this.#cpuUserMs = grow(this.#cpuUserMs, this.#capacity);
      this.#cpuSystemMs = grow(this.#cpuSystemMs, this.#capacity);
      this.#maxRssBytes = grow(this.#maxRssBytes, this.#capacity);
      this.#outcome = grow(this.#outcome, this.#capacity);
    }
    this.#size = Math.max(this.#size, size);
  }
}
