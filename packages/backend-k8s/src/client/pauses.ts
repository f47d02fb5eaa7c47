import type { Clock } from '@splitrock/core/plugin';

/** Waits, or less long when the signal aborts. Never rejects. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(end, delayMs, { keepAlive: true });
    signal.addEventListener('abort', end, { once: true });
  });
}
