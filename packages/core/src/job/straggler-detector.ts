/** Decides which running calls deserve a backup copy. Pure: the time is its caller's. */
import type { SpeculationPolicy } from './job-policy.ts';

const SAMPLES = 1_001;
const MIN_SAMPLES = 3;

export class StragglerDetector {
  readonly #policy: SpeculationPolicy;
  /** Running calls without a backup, by when the client saw them start. */
  readonly #running = new Map<number, number>();
  readonly #durations: number[] = [];
  #ended = 0;

  constructor(policy: SpeculationPolicy) {
    this.#policy = policy;
  }

  started(callId: number, nowMs: number): void {
    this.#running.set(callId, nowMs);
  }

  /** The call needs no backup any more: it ended, got one, or its attempt is gone. */
  forget(callId: number): void {
    this.#running.delete(callId);
  }

  ended(durationMs: number): void {
    // The newest samples win: durations may drift while a job runs.
    this.#durations[this.#ended % SAMPLES] = durationMs;
    this.#ended += 1;
  }

  /** Calls that are stragglers now, given how many calls the job has and how many are settled. */
  stragglers(nowMs: number, settled: number, total: number): number[] {
    const threshold = this.#thresholdMs(settled, total);
    if (threshold === undefined) return [];
    return [...this.#running].filter(([, startedMs]) => nowMs - startedMs >= threshold).map(([callId]) => callId);
  }

  /** When the next running call will become a straggler, or `undefined`. */
  nextMs(settled: number, total: number): number | undefined {
    const threshold = this.#thresholdMs(settled, total);
    if (threshold === undefined || this.#running.size === 0) return undefined;
    let earliest = Infinity;
    for (const startedMs of this.#running.values()) earliest = Math.min(earliest, startedMs);
    return earliest + threshold;
  }

  #thresholdMs(settled: number, total: number): number | undefined {
    if (this.#durations.length < MIN_SAMPLES || settled < total * this.#policy.quantile) return undefined;
    const sorted = this.#durations.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1] as number;
    return Math.max(this.#policy.minMs, median * this.#policy.factor);
  }
}
