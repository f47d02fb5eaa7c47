import { ManualClock } from '@splitrock/testkit';
import { describe, expect, it } from 'vitest';
import type { HeldEntry } from '../protocol/log-entry.ts';
import { DeathRecord } from './death-record.ts';

const job = { executorId: 'abcdefghijkl', jobNumber: 1 };
const other = { executorId: 'abcdefghijkl', jobNumber: 2 };
const held = (workerId: string, ...messages: string[]): HeldEntry => ({ type: 'held', job, workerId, messages });

/** A record whose worker is `me`; the log gives back what is written when it is caught up with. */
class Bench {
  readonly clock = new ManualClock(0);
  readonly written: HeldEntry[] = [];
  readonly present = new Set<string>();
  asked = 0;
  readonly record = new DeathRecord({
    workerId: 'me',
    clock: this.clock,
    write: async (entry) => void this.written.push(entry),
    catchUp: async () => this.written.forEach((entry) => this.record.read(entry)),
    isPresent: async (workerId) => {
      this.asked += 1;
      return this.present.has(workerId);
    },
  });
}

describe('DeathRecord', () => {
  it('charges nobody with the first return of a message: why it came, nobody knows', async () => {
    const { record, written } = new Bench();
    expect(await record.enter(job, 'a')).toBe(0);
    expect(written).toEqual([held('me', 'a')]);
  });

  it('counts the holders on record that are gone without a word', async () => {
    const { record } = new Bench();
    record.read(held('first', 'a', 'b'));
    record.read(held('second', 'a'));
    record.read({ ...held('third', 'a'), job: other });
    expect(await record.enter(job, 'a')).toBe(2);
    expect(await record.enter(job, 'b')).toBe(1);
    expect(await record.enter(job, 'c')).toBe(0);
  });

  it('counts no holder that stopped in order, unless it began anew', async () => {
    const { record } = new Bench();
    record.read(held('orderly', 'a'));
    record.read({ type: 'worker-stopped', workerId: 'orderly' });
    expect(await record.enter(job, 'a')).toBe(0);
    const runtime = { nodeVersion: '24.0.0' };
    record.read({ type: 'worker-started', workerId: 'orderly', slots: 1, runtime });
    expect(await record.enter(job, 'a')).toBe(1);
  });

  it('does not count itself: it lost its connection at most', async () => {
    const { record } = new Bench();
    record.read(held('me', 'a'));
    expect(await record.enter(job, 'a')).toBe(0);
  });

  it('counts no holder that lives', async () => {
    const bench = new Bench();
    bench.present.add('cut-off');
    bench.record.read(held('cut-off', 'a'));
    const deaths = bench.record.enter(job, 'a');
    await bench.clock.advance(1_000);
    expect(await deaths).toBe(0);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('counts a holder that is still seen when its message comes back and is not a moment later', async () => {
    const bench = new Bench();
    bench.present.add('dying');
    bench.record.read(held('dying', 'a'));
    const deaths = bench.record.enter(job, 'a');
    await expect.poll(() => bench.asked, { interval: 1 }).toBe(1);
    bench.present.delete('dying');
    await bench.clock.advance(100);
    expect(await deaths).toBe(1);
  });

  it('counts nobody as gone who may be on the way back, after the broker was away', async () => {
    const bench = new Bench();
    bench.record.read(held('slow', 'a'));
    bench.record.read(held('dead', 'b'));
    bench.record.reconnected();
    const deaths = Promise.all([bench.record.enter(job, 'a'), bench.record.enter(job, 'b')]);
    await expect.poll(() => bench.asked, { interval: 1 }).toBe(2);
    await bench.clock.advance(3_000);
    bench.present.add('slow');
    await bench.clock.advance(2_000);
    expect(await deaths).toEqual([0, 1]);
  });

  it('forgets the holders of a job that was removed', async () => {
    const { record } = new Bench();
    record.read(held('gone', 'a'));
    record.read({ type: 'removed', job });
    expect(await record.enter(job, 'a')).toBe(0);
  });

  it('writes one entry for all messages of a job that come in one turn', async () => {
    const { record, written } = new Bench();
    await Promise.all([record.enter(job, 'a'), record.enter(other, 'b'), record.enter(job, 'c')]);
    expect(written).toEqual([held('me', 'a', 'c'), { ...held('me', 'b'), job: other }]);
  });

  it('waits for nobody once it is closed', async () => {
    const bench = new Bench();
    bench.present.add('cut-off');
    bench.record.read(held('cut-off', 'a'));
    const deaths = bench.record.enter(job, 'a');
    await expect.poll(() => bench.asked, { interval: 1 }).toBe(1);
    bench.record.close();
    expect(await deaths).toBe(0);
    expect(bench.clock.pendingTimers).toBe(0);
  });
});
