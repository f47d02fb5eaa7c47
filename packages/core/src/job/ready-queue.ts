/**
 * Calls that may be submitted, as ranges. Entries are not removed when a call's state changes otherwise (it was
 * settled by a replayed status, say): whoever takes asks {@link TakeFilter} and the queue skips.
 */
import type { CallRange } from '../contracts/calls.ts';

export interface ReadyCalls extends CallRange {
  /** Workers on which these calls failed before. */
  readonly avoidWorkers: readonly string[];
}

type TakeFilter = (callId: number) => boolean;

export class ReadyQueue {
  #entries: ReadyCalls[] = [];
  #head = 0;

  /** False only if nothing is left; entries that a take would skip count as something. */
  get isEmpty(): boolean {
    return this.#head >= this.#entries.length;
  }

  push(calls: ReadyCalls): void {
    const last = this.#entries.at(-1);
    const joins =
      last !== undefined && last.to === calls.from && last.avoidWorkers.length + calls.avoidWorkers.length === 0;
    if (joins && this.#entries.length > this.#head) this.#entries[this.#entries.length - 1] = { ...last, to: calls.to };
    else this.#entries.push(calls);
  }

  /** Takes the next at most `max` contiguous calls that pass the filter, or `undefined` if none is left. */
  take(max: number, accepts: TakeFilter): ReadyCalls | undefined {
    for (;;) {
      const entry = this.#entries[this.#head];
      if (entry === undefined) {
        this.#entries = [];
        this.#head = 0;
        return undefined;
      }
      let from = entry.from;
      while (from < entry.to && !accepts(from)) from += 1;
      let to = from;
      while (to < entry.to && to - from < max && accepts(to)) to += 1;
      if (to < entry.to) this.#entries[this.#head] = { ...entry, from: to };
      else this.#head += 1;
      if (to > from) return { from, to, avoidWorkers: entry.avoidWorkers };
    }
  }
}
