import { isSplitrockError, pause, type Clock } from '@splitrock/core/plugin';

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5_000;

export interface RetryOptions {
  readonly clock: Clock;
  /** From the first attempt on; after that the last error is thrown. */
  readonly retryForMs: number;
  readonly onRetry: (error: Error, delayMs: number) => void;
}

/**
 * Tries again, with delays that double from 50 ms to 5 s, while the error says that this may help and the time lasts.
 * Delays are spread by half, so that many workers do not come back to a recovering store at once.
 */
export async function retryTransient<T>(operation: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, retryForMs, onRetry } = options;
  const giveUpAt = clock.now() + retryForMs;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(2 * delayMs, MAX_DELAY_MS)) {
    try {
      return await operation();
    } catch (error) {
      const spread = delayMs * (0.5 + Math.random() / 2);
      if (!isSplitrockError(error) || !error.retryable || clock.now() + spread > giveUpAt) throw error;
      onRetry(error, spread);
      await pause(clock, spread, { keepAlive: true });
    }
  }
}
