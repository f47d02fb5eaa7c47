import { CallRangeSet, type CallRange } from '@splitrock/core/plugin';
import type { AttemptCalls } from './lease-events.ts';

/** Sets of calls, one for each attempt. */
export class AttemptSets {
  readonly #sets = new Map<number, CallRangeSet>();

  get size(): number {
    let size = 0;
    for (const set of this.#sets.values()) size += set.size;
    return size;
  }

  get list(): readonly AttemptCalls[] {
    return [...this.#sets].flatMap(([attempt, set]) => set.ranges.map((calls) => ({ attempt, calls })));
  }

  add({ attempt, calls }: AttemptCalls): void {
    let set = this.#sets.get(attempt);
    if (set === undefined) this.#sets.set(attempt, (set = new CallRangeSet()));
    set.add(calls);
  }

  /** Answers what of them was in the sets. */
  remove({ attempt, calls }: AttemptCalls): readonly CallRange[] {
    const set = this.#sets.get(attempt);
    const removed = set?.remove(calls) ?? [];
    if (set?.size === 0) this.#sets.delete(attempt);
    return removed;
  }

  /** What of the calls is in the sets. */
  common({ attempt, calls }: AttemptCalls): readonly CallRange[] {
    return this.#sets.get(attempt)?.intersection(calls) ?? [];
  }

  /** What of the calls is not in the sets. */
  missing({ attempt, calls }: AttemptCalls): readonly CallRange[] {
    const rest = new CallRangeSet([calls]);
    for (const range of this.common({ attempt, calls })) rest.remove(range);
    return rest.ranges;
  }

  /** What a target names of them. */
  matching({
    calls,
    attempt,
  }: {
    calls?: readonly CallRange[] | undefined;
    attempt?: number | undefined;
  }): AttemptCalls[] {
    return [...this.#sets].flatMap(([each, set]) => {
      if (attempt !== undefined && attempt !== each) return [];
      const ranges = calls === undefined ? set.ranges : calls.flatMap((range) => set.intersection(range));
      return ranges.map((range) => ({ attempt: each, calls: range }));
    });
  }
}
