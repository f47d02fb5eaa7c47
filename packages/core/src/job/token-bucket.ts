/**
 * A token bucket on its caller's clock. Tokens come evenly, `calls` in every `perMs`, and hardly accumulate: a service
 * that is protected by the limit sees a steady stream, never the whole period's allowance at once.
 */
export interface RateLimit {
  readonly calls: number;
  readonly perMs: number;
}

/** For how long tokens may gather while nothing is submitted: timers are no finer than this at high rates. */
const GATHER_MS = 20;

export class TokenBucket {
  readonly #limit: RateLimit;
  readonly #burst: number;
  #tokens = 1;
  #refilledAtMs: number | undefined;

  constructor(limit: RateLimit) {
    this.#limit = limit;
    this.#burst = Math.max(1, (limit.calls * Math.min(GATHER_MS, limit.perMs)) / limit.perMs);
  }

  /** Whole tokens there are now. */
  available(nowMs: number): number {
    const elapsed = nowMs - (this.#refilledAtMs ?? nowMs);
    this.#refilledAtMs = nowMs;
    const { calls, perMs } = this.#limit;
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed * calls) / perMs);
    // Sums of fractions fall short of whole tokens by rounding; a timer would then fire just too early for ever.
    return Math.floor(this.#tokens + 1e-6);
  }

  take(count: number): void {
    this.#tokens -= count;
  }

  /** How long until a whole token is there, in milliseconds. */
  nextTokenInMs(): number {
    if (this.#tokens >= 1) return 0;
    return ((1 - this.#tokens) * this.#limit.perMs) / this.#limit.calls;
  }
}
