/**
 * Tries a request again for a given time. The SDK's own strategies give up after a few attempts within a second, less
 * than any restart of a gateway takes, and share a budget of retries between requests.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
import type { S3ClientConfig } from '@aws-sdk/client-s3';

type SdkRetryStrategy = Extract<NonNullable<S3ClientConfig['retryStrategy']>, { acquireInitialRetryToken: unknown }>;
type RetryToken = Awaited<ReturnType<SdkRetryStrategy['acquireInitialRetryToken']>>;
type RetryErrorInfo = Parameters<SdkRetryStrategy['refreshRetryTokenForRetry']>[1];

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

export class TimedRetryStrategy implements SdkRetryStrategy {
  readonly mode = 'splitrock';
  readonly #retryForMs: number;
  readonly #beganMs = new WeakMap<RetryToken, number>();

  constructor(retryForMs: number) {
    this.#retryForMs = retryForMs;
  }

  async acquireInitialRetryToken(): Promise<RetryToken> {
    return this.#token(0, 0, performance.now());
  }

  /** @throws when the request is not worth another try; the SDK then reports the request's own error. */
  async refreshRetryTokenForRetry(token: RetryToken, info: RetryErrorInfo): Promise<RetryToken> {
    const beganMs = this.#beganMs.get(token) ?? 0;
    const attempt = token.getRetryCount() + 1;
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
    // Half of it random, so that many workers do not come back in step.
    const pauseMs = Math.max(longest * (0.5 + Math.random() / 2), (info.retryAfterHint?.getTime() ?? 0) - Date.now());
    if (info.errorType === 'CLIENT_ERROR') throw new Error('trying again would not help');
    if (performance.now() + pauseMs - beganMs > this.#retryForMs) throw new Error('tried long enough');
    return this.#token(attempt, pauseMs, beganMs);
  }

  recordSuccess(): void {
    // no budget to refill
  }

  #token(attempt: number, pauseMs: number, beganMs: number): RetryToken {
    const token: RetryToken = { getRetryCount: () => attempt, getRetryDelay: () => pauseMs };
    this.#beganMs.set(token, beganMs);
    return token;
  }
}
