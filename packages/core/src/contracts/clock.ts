/** Time as components see it, so that tests can own it. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch, with a fraction where the platform has one. */
  now(): number;
  /** Calls `callback` once after `delayMs`. The timer keeps the process alive only if `keepAlive` is set. */
  setTimer(callback: () => void, delayMs: number, options?: { readonly keepAlive?: boolean }): ClockTimer;
}

export interface ClockTimer {
  cancel(): void;
}

/** Waits for so many milliseconds; ends early, with the signal's reason, when it aborts. */
export function pause(
  clock: Clock,
  delayMs: number,
  { signal, keepAlive = false }: { readonly signal?: AbortSignal; readonly keepAlive?: boolean } = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const onTime = (): void => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    };
    const timer = clock.setTimer(onTime, delayMs, { keepAlive });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The machine's clock. `now` is monotonic within the process: it is the time origin plus `performance.now()`. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimer(callback, delayMs, options) {
    // Node fires at once for a delay over 2^31-1 ms; such a timer is as good as never, so cap it.
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 2_147_483_647));
    if (options?.keepAlive !== true) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
