/** Which calls of a job nobody wants any more. */
import type { CallRange } from '@splitrock/core/plugin';
import { subtractRanges } from './call-ranges.ts';
import type { CancelEntry } from './log-entry.ts';

/** What a cancellation is compared with: calls as they were submitted. */
interface Submitted {
  readonly attempt: number;
  readonly submittedAtMs: number;
}

export class Cancellations {
  #entries: CancelEntry[] = [];

  add(entry: CancelEntry): void {
    // One for the whole job covers all that came before it.
    if (entry.calls === undefined && entry.attempt === undefined) this.#entries = [];
    this.#entries.push(entry);
  }

  /** The calls of `ranges` that are still wanted. */
  wanted(ranges: readonly CallRange[], { attempt, submittedAtMs }: Submitted): readonly CallRange[] {
    let rest = ranges;
    for (const entry of this.#entries) {
      if (submittedAtMs > entry.atMs || (entry.attempt !== undefined && entry.attempt !== attempt)) continue;
      rest = entry.calls === undefined ? [] : subtractRanges(rest, entry.calls);
    }
    return rest;
  }
}
