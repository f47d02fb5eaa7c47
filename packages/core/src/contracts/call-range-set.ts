/** A set of call ids, kept as sorted ranges that neither overlap nor touch. */
import type { CallRange } from './calls.ts';

export class CallRangeSet {
  #ranges: CallRange[] = [];
  #size = 0;

  constructor(ranges: Iterable<CallRange> = []) {
    for (const range of ranges) this.add(range);
  }

  /** How many call ids are in the set. */
  get size(): number {
    return this.#size;
  }

  /** The members as ascending ranges. */
  get ranges(): readonly CallRange[] {
    return this.#ranges;
  }

  /** Adds a range; what is there already stays. */
  add(range: CallRange): void {
    const first = this.#firstEndingAt(range.from);
    let { from, to } = range;
    let past = first;
    for (let next = this.#ranges[past]; next !== undefined && next.from <= range.to; next = this.#ranges[past]) {
      from = Math.min(from, next.from);
      to = Math.max(to, next.to);
      this.#size -= next.to - next.from;
      past += 1;
    }
    this.#ranges.splice(first, past - first, { from, to });
    this.#size += to - from;
  }

  /** Removes a range and answers what of it was in the set. */
  remove(range: CallRange): readonly CallRange[] {
    const removed = this.intersection(range);
    if (removed.length === 0) return removed;
    const first = this.#firstEndingAt(range.from + 1);
    const rest: CallRange[] = [];
    for (const { from, to } of this.#ranges.slice(first, first + removed.length)) {
      if (from < range.from) rest.push({ from, to: range.from });
      if (to > range.to) rest.push({ from: range.to, to });
    }
    this.#ranges.splice(first, removed.length, ...rest);
    for (const { from, to } of removed) this.#size -= to - from;
    return removed;
  }

  /** The members that are in `range`, as ascending ranges. */
  intersection(range: CallRange): readonly CallRange[] {
    const common: CallRange[] = [];
    for (let index = this.#firstEndingAt(range.from + 1); index < this.#ranges.length; index += 1) {
      const { from, to } = this.#ranges[index] as CallRange;
      if (from >= range.to) break;
      common.push({ from: Math.max(from, range.from), to: Math.min(to, range.to) });
    }
    return common;
  }

  /** Index of the first range whose end is at or past `callId`. */
  #firstEndingAt(callId: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as CallRange).to < callId) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
