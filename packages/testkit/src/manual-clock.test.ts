import { expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';

it('fires timers in the order of their times, each at its time, also those set meanwhile', async () => {
  const clock = new ManualClock(0);
  const fired: string[] = [];
  const note = (name: string) => () => fired.push(`${name} at ${clock.now()}`);
  clock.setTimer(note('late'), 20);
  clock.setTimer(() => {
    note('early')();
    clock.setTimer(note('nested'), 5);
  }, 10);
  clock.setTimer(note('cancelled'), 12).cancel();
  clock.setTimer(note('beyond'), 31);
  await clock.advance(30);
  expect(fired).toEqual(['early at 10', 'nested at 15', 'late at 20']);
  expect(clock.now()).toBe(30);
  expect(clock.pendingTimers).toBe(1);
});
