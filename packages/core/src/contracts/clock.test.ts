import { expect, it, vi } from 'vitest';
import { pause, systemClock, type Clock } from './clock.ts';

/** Time that stands still until it is told. */
function stillClock(): Clock & { pending: Map<object, () => void>; keptAlive: boolean[] } {
  const pending = new Map<object, () => void>();
  const keptAlive: boolean[] = [];
  return {
    pending,
    keptAlive,
    now: () => 0,
    setTimer(callback, _delayMs, { keepAlive = false } = {}) {
      const timer = { cancel: () => void pending.delete(timer) };
      pending.set(timer, callback);
      keptAlive.push(keepAlive);
      return timer;
    },
  };
}

it('a pause ends when its time is over, and listens to its signal no longer', async () => {
  const clock = stillClock();
  const { signal } = new AbortController();
  const removed = vi.spyOn(signal, 'removeEventListener');
  const paused = pause(clock, 10, { signal });
  for (const ring of clock.pending.values()) ring();
  await paused;
  expect(removed).toHaveBeenCalledTimes(1);
});

it('a pause ends with the reason of its signal, and leaves no timer', async () => {
  const clock = stillClock();
  const abort = new AbortController();
  const paused = pause(clock, 10, { signal: abort.signal });
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(paused).rejects.toBe(reason);
  await expect(pause(clock, 10, { signal: abort.signal })).rejects.toBe(reason);
  expect(clock.pending.size).toBe(0);
});

it('a pause keeps the process alive only if it is to', () => {
  const clock = stillClock();
  void pause(clock, 10);
  void pause(clock, 10, { keepAlive: true });
  expect(clock.keptAlive).toEqual([false, true]);
});

it('the machine’s clock does not fire at once for a time that is too long for it', async () => {
  let fired = false;
  const timer = systemClock.setTimer(() => (fired = true), 1e12);
  await pause(systemClock, 5, { keepAlive: true });
  timer.cancel();
  expect(fired).toBe(false);
});
