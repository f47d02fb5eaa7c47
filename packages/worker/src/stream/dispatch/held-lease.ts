/** A lease as the dispatcher remembers it: calls that a worker holds and has not answered for. */
import { CallRangeSet, type CallRange } from '@splitrock/core/plugin';
import type { QueuedCalls } from './queued-calls.ts';

export class HeldLease {
  readonly leaseId: number;
  readonly queued: QueuedCalls;
  readonly #unanswered: CallRangeSet;
  /** Of the unanswered: those that a slot was about to get. */
  readonly #started = new CallRangeSet();
  /** Of the unanswered: those that nobody wants any more. They still count until the worker answers. */
  readonly #cancelled = new CallRangeSet();

  constructor(leaseId: number, queued: QueuedCalls) {
    this.leaseId = leaseId;
    this.queued = queued;
    this.#unanswered = new CallRangeSet([queued.calls]);
  }

  /** How many calls are unanswered. */
  get size(): number {
    return this.#unanswered.size;
  }

  start(calls: CallRange): void {
    for (const range of this.#unanswered.intersection(calls)) this.#started.add(range);
  }

  /** Marks what is unanswered of `calls` as unwanted. Returns whether there was any. */
  cancel(calls: CallRange): boolean {
    const ranges = this.#unanswered.intersection(calls);
    for (const range of ranges) this.#cancelled.add(range);
    return ranges.length > 0;
  }

  /** Takes the answer for `calls`. Returns those that were unanswered until now and are still wanted. */
  answer(calls: CallRange): readonly CallRange[] {
    const wanted = new CallRangeSet(this.#unanswered.remove(calls));
    for (const range of this.#cancelled.remove(calls)) wanted.remove(range);
    this.#started.remove(calls);
    return wanted.ranges;
  }

  /** The worker is gone: what is still wanted, by whether it had begun to run. */
  abandon(): { readonly ran: readonly CallRange[]; readonly waited: readonly CallRange[] } {
    for (const range of this.#cancelled.ranges) {
      this.#unanswered.remove(range);
      this.#started.remove(range);
    }
    for (const range of this.#started.ranges) this.#unanswered.remove(range);
    return { ran: this.#started.ranges, waited: this.#unanswered.ranges };
  }
}
