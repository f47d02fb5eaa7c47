/** A job whose outcomes are counted while something breaks. */
import { expect } from 'vitest';
import type { FunctionExecutor, Job, JobEventMap, JobOptions } from 'splitrock';

export interface WatchedJobPlan extends JobOptions {
  readonly calls: number;
  /** How long each call runs. */
  readonly ms: number;
}

interface Input {
  readonly n: number;
  readonly ms: number;
}

export const valueOf = (n: number): number => n * 3 + 1;

export class WatchedJob {
  readonly job: Job<number>;
  readonly diagnoses: JobEventMap['job:diagnosis'][] = [];
  readonly #calls: number;
  readonly #outcomes = new Map<number, number>();

  constructor(executor: FunctionExecutor, { calls, ms, ...options }: WatchedJobPlan) {
    this.#calls = calls;
    this.job = executor.map(
      async (input: Input) => {
        await new Promise((resolve) => setTimeout(resolve, input.ms));
        return input.n * 3 + 1;
      },
      Array.from({ length: calls }, (_, n) => ({ n, ms })),
      options,
    );
    this.job.on('call:finish:success', ({ callId }) => this.#count(callId));
    this.job.on('call:finish:error', ({ callId }) => this.#count(callId));
    this.job.on('job:diagnosis', (diagnosis) => this.diagnoses.push(diagnosis));
  }

  /** Calls that have an outcome. */
  get ended(): number {
    return this.#outcomes.size;
  }

  async untilEnded(count: number, timeout = 60_000): Promise<void> {
    await expect.poll(() => this.ended, { timeout, interval: 20 }).toBeGreaterThanOrEqual(count);
  }

  /** Waits for its end. Empty when every result is right and every call had exactly one outcome. */
  async wrongs(): Promise<readonly string[]> {
    const outcomes = await this.job.settled();
    if (outcomes.length !== this.#calls) return [`${outcomes.length} outcomes`];
    return outcomes.flatMap((outcome, callId) => {
      const times = this.#outcomes.get(callId) ?? 0;
      const value = outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason);
      const isRight = value === valueOf(callId) && times === 1;
      return isRight ? [] : [`call ${callId}: ${value}, told ${times} times`];
    });
  }

  #count(callId: number): void {
    this.#outcomes.set(callId, (this.#outcomes.get(callId) ?? 0) + 1);
  }
}
