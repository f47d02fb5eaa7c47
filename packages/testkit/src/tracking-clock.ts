import { systemClock, type Clock, type ClockTimer } from '@splitrock/core/plugin';

/** The machine's clock, counting the timers that are set and neither fired nor cancelled: for leak checks. */
export class TrackingClock implements Clock {
  readonly #pending = new Set<ClockTimer>();

  get pendingTimers(): number {
    return this.#pending.size;
  }

  now(): number {
    return systemClock.now();
  }

  setTimer(callback: () => void, delayMs: number, options?: { readonly keepAlive?: boolean }): ClockTimer {
    const pending = this.#pending;
    const inner = systemClock.setTimer(
      () => {
        pending.delete(timer);
        callback();
      },
      delayMs,
      options,
    );
    const timer: ClockTimer = {
      cancel() {
        pending.delete(timer);
        inner.cancel();
      },
    };
    pending.add(timer);
    return timer;
  }
}
