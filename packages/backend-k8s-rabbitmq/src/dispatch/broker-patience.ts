/**
 * How long a client that lets go of its work waits for a broker that is away. Submissions wait without end, for somebody
 * waits for their results and is told why there are none; a cancellation, or the end of an executor, must not.
 */
import type { Clock, ClockTimer } from '@splitrock/core/plugin';

/** Longer than a broker takes to restart. */
export const PATIENCE_MS = 30_000;

export class BrokerPatience {
  readonly #clock: Clock;
  readonly #whyAway: () => Error;
  /** `undefined` while the broker is there. */
  #awaySinceMs: number | undefined;
  /** Set when waiting is known to be in vain. */
  #inVain = false;
  readonly #short = new Set<(error: Error) => void>();
  readonly #long = new Set<(error: Error) => void>();
  #timer: ClockTimer | undefined;

  /** @param whyAway - The error for those who waited in vain. */
  constructor(clock: Clock, whyAway: () => Error) {
    this.#clock = clock;
    this.#whyAway = whyAway;
    this.#awaySinceMs = clock.now();
  }

  /** @param inVain - Nobody needs to wait for it: it refuses us. */
  away(inVain = false): void {
    this.#awaySinceMs ??= this.#clock.now();
    this.#inVain = inVain;
    this.#look();
  }

  back(): void {
    this.#awaySinceMs = undefined;
    this.#inVain = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The work's result, unless the broker has been away for too long; then all others that wait are let go as well. */
  async shortly<Result>(work: Promise<Result>): Promise<Result> {
    return this.#race(work, this.#short, () => this.#look());
  }

  /** The work's result, unless somebody gives up. */
  async patiently<Result>(work: Promise<Result>): Promise<Result> {
    return this.#race(work, this.#long, () => {});
  }

  /** No timer stays. */
  close(): void {
    this.#timer?.cancel();
  }

  async #race<Result>(
    work: Promise<Result>,
    waiting: Set<(error: Error) => void>,
    onWait: () => void,
  ): Promise<Result> {
    let giveUp: (error: Error) => void = () => {};
    const givenUp = new Promise<never>((_resolve, reject) => (giveUp = reject));
    waiting.add(giveUp);
    onWait();
    try {
      return await Promise.race([work, givenUp]);
    } finally {
      waiting.delete(giveUp);
      // Whoever was given up may still end; nobody listens any more.
      work.catch(() => {});
    }
  }

  #look(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#awaySinceMs === undefined || this.#short.size === 0) return;
    const leftMs = this.#inVain ? 0 : this.#awaySinceMs + PATIENCE_MS - this.#clock.now();
    if (leftMs > 0) {
      this.#timer = this.#clock.setTimer(() => this.#look(), leftMs);
      return;
    }
    const error = this.#whyAway();
    for (const giveUp of [...this.#short, ...this.#long]) giveUp(error);
  }
}
