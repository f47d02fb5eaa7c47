/**
 * Workers that die soon after their start: how long to wait before the next, and when to stop making more than one.
 *
 * A pool in which any worker has run for {@link STEADY_MS} can start workers; what dies there is ended by its calls,
 * and is replaced after a short while. Without one, failures in a row make the pool careful: pauses double, and from the
 * third on a single pod at a time tries whether it is any better.
 */
import type { PodDeath } from '../diagnosis/pod-death.ts';

/** A worker that has run for so long was started well. */
export const STEADY_MS = 10_000;
/** Failures in a row from which those who wait are told that nothing will run. */
export const MAX_START_FAILURES = 3;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
const LONGEST_STEADY_PAUSE_MS = 5_000;

export class StartFailures {
  #inARow = 0;
  #pauseUntilMs = 0;
  #last: PodDeath | undefined;

  get inARow(): number {
    return this.#inARow;
  }

  /** The last of them, while there are any. */
  get last(): PodDeath | undefined {
    return this.#last;
  }

  get pauseUntilMs(): number {
    return this.#pauseUntilMs;
  }

  get hasGivenUp(): boolean {
    return this.#inARow >= MAX_START_FAILURES;
  }

  failed(death: PodDeath, nowMs: number, hasSteadyWorker: boolean): void {
    // Workers that were started together fail together: that is one failure.
    if (nowMs < this.#pauseUntilMs && !hasSteadyWorker) return;
    this.#inARow += 1;
    this.#last = death;
    const longest = hasSteadyWorker ? LONGEST_STEADY_PAUSE_MS : LONGEST_PAUSE_MS;
    this.#pauseUntilMs = nowMs + Math.min(longest, FIRST_PAUSE_MS * 2 ** (this.#inARow - 1));
  }

  /** A worker has run long enough: whatever failed before is over. */
  steady(): void {
    this.#inARow = 0;
    this.#last = undefined;
  }
}
