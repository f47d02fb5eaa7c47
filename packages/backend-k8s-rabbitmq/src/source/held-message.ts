/** A message that this worker has taken and not acknowledged: which of its calls wait here, run, or are answered. */
import type { CallRange } from '@splitrock/core/plugin';
import { rangeSize, subtractRanges } from '../protocol/call-ranges.ts';
import type { CallMessage } from '../protocol/call-message.ts';
import { NO_GRANT, type Delivery } from './job-consumers.ts';

export class HeldMessage {
  readonly id: string;
  readonly message: CallMessage;
  /** Workers that died holding its calls, as far as is known. */
  #deaths: number;
  /** Whether the log tells that this worker holds it. */
  #onRecord = false;
  /** Nothing of it runs or leaves before it is on record. */
  #waitsForRecord = false;
  readonly takenAtMs: number;
  /**
   * How the broker sent it: none after a reconnect until it comes again; several when it was published twice or was kept
   * (see `long-calls.ts`).
   */
  deliveries: Delivery[] = [];
  /** When the oldest delivery came: a message may stay un-acknowledged only for so long. */
  deliveredAtMs: number;
  /** Not given to the worker yet. */
  #backlog: readonly CallRange[];
  /** Given to the worker and not answered. */
  readonly #running = new Set<number>();
  /** Calls on their way to somewhere else, which the broker has not confirmed. */
  #leaving = 0;

  constructor(id: string, message: CallMessage, nowMs: number) {
    this.id = id;
    this.message = message;
    this.#deaths = message.deaths;
    this.takenAtMs = nowMs;
    this.deliveredAtMs = nowMs;
    this.#backlog = [message.calls];
  }

  /** Everything is answered for: it can be acknowledged. */
  get isOver(): boolean {
    return this.#backlog.length === 0 && this.#running.size === 0 && this.#leaving === 0;
  }

  get deaths(): number {
    return this.#deaths;
  }

  get onRecord(): boolean {
    return this.#onRecord;
  }

  get waitsForRecord(): boolean {
    return this.#waitsForRecord;
  }

  /** Nothing of it runs or leaves until {@link recorded}. */
  waitForRecord(): void {
    this.#waitsForRecord = true;
  }

  /** The log tells that this worker holds it; `deaths` others died holding it. */
  recorded(deaths: number): void {
    this.#onRecord = true;
    this.#waitsForRecord = false;
    this.#deaths = this.message.deaths + deaths;
  }

  get backlogCalls(): number {
    return this.#backlog.reduce((sum, range) => sum + rangeSize(range), 0);
  }

  /** Whether no grant counts it: the broker has it back while it runs on, or it is kept in the worker's own queue. */
  get isUncounted(): boolean {
    return this.deliveries.every(({ grant }) => grant === NO_GRANT);
  }

  /** Calls given to the worker and not answered. */
  get runningCalls(): number {
    return this.#running.size;
  }

  /** The next calls for the worker, at most `count`. */
  take(count: number): CallRange | undefined {
    const first = this.#backlog[0];
    if (first === undefined || count < 1 || this.#waitsForRecord) return undefined;
    const calls = { from: first.from, to: Math.min(first.to, first.from + count) };
    this.#backlog = subtractRanges(this.#backlog, [calls]);
    for (let callId = calls.from; callId < calls.to; callId += 1) this.#running.add(callId);
    return calls;
  }

  /** Drops what of the backlog is not in `wanted`. */
  keep(wanted: (ranges: readonly CallRange[]) => readonly CallRange[]): void {
    this.#backlog = wanted(this.#backlog);
  }

  /** The worker has answered for a call; false when it had done so before. */
  answer(callId: number): boolean {
    return this.#running.delete(callId);
  }

  /** Takes the last calls out of the backlog, all but `stay`; they leave for somewhere else. */
  leave(stay: number): readonly CallRange[] {
    if (this.#waitsForRecord) return [];
    let skipped = 0;
    const leaving: CallRange[] = [];
    for (const range of this.#backlog) {
      const from = Math.max(range.from, range.from + stay - skipped);
      if (from < range.to) leaving.push({ from, to: range.to });
      skipped += rangeSize(range);
    }
    this.#backlog = subtractRanges(this.#backlog, leaving);
    return leaving;
  }

  /** Until `left`, calls that were taken out are still this message's. */
  leaving(): void {
    this.#leaving += 1;
  }

  left(): void {
    this.#leaving -= 1;
  }
}
