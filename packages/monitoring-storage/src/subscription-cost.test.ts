/** What following a job costs, counted in storage operations: that is money where the store is a service. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { firstSegmentsPrefix, statusPrefix } from '@splitrock/core/plugin';
import { JOB, MonitoringWorld, finished } from '../test/monitoring-world.ts';

const HOUR_MS = 3_600_000;

describe('while nothing is subscribed', () => {
  it('nothing is asked and no timer is set', async () => {
    const world = new MonitoringWorld();
    const subscriber = world.subscriber();
    await world.publisher().publish(JOB, [finished(0)]);
    world.storage.resetCounts();
    await world.clock.advance(HOUR_MS);
    expect([world.storage.count(), world.clock.pendingTimers]).toEqual([0, 0]);
    await subscriber.close();
  });

  it('nor after a job’s subscription closed: polling ends with the job', async () => {
    for (const watched of [false, true]) {
      const world = new MonitoringWorld({ watched });
      const subscription = await world.subscribe();
      await world.publisher().publish(JOB, [finished(0)]);
      await world.clock.advance(10_000);
      await subscription.close();
      world.storage.resetCounts();
      await world.clock.advance(HOUR_MS);
      expect([world.seen, world.storage.count(), world.clock.pendingTimers]).toEqual([[0], 0, 0]);
    }
  });
});

describe('over a watched storage', () => {
  it('an hour of silence costs one survey after the last change, then nothing', async () => {
    const world = new MonitoringWorld({ watched: true });
    const subscription = await world.subscribe();
    await world.publisher().publish(JOB, [finished(0)]);
    await world.clock.advance(0);
    expect(world.seen).toEqual([0]);
    world.storage.resetCounts();
    await world.clock.advance(HOUR_MS);
    expect([world.storage.count('list'), world.storage.count('get')]).toEqual([2, 0]);
    expect(world.clock.pendingTimers).toBe(0);
    await subscription.close();
  });

  it('a job that is about to be submitted costs no look', async () => {
    const world = new MonitoringWorld({ watched: true });
    const subscription = await world.subscriber().subscribe(
      JOB,
      () => undefined,
      () => undefined,
      { replay: false },
    );
    await world.clock.advance(HOUR_MS);
    expect([world.storage.count(), world.storage.count('watch')]).toEqual([1, 1]);
    await subscription.close();
  });

  it('a lone event costs one listing, the read that finds it, and one that finds no more', async () => {
    const world = new MonitoringWorld({ watched: true });
    const subscription = await world.subscribe();
    const publisher = world.publisher();
    await publisher.publish(JOB, [finished(0)]);
    await world.clock.advance(0);
    world.storage.resetCounts();
    await publisher.publish(JOB, [finished(1)]);
    await world.clock.advance(0);
    expect(world.seen).toEqual([0, 1]);
    expect([world.storage.count('list'), world.storage.count('get')]).toEqual([1, 2]);
    await subscription.close();
  });
});

describe('over a polled storage', () => {
  it('an idle hour costs a listing a second, a read a second for each worker, and a survey each half minute', async () => {
    const world = new MonitoringWorld();
    for (const workerId of ['w1', 'w2', 'w3']) await world.publisher(workerId).publish(JOB, [finished(0, workerId)]);
    const subscription = await world.subscribe();
    await world.clock.advance(60_000);
    world.storage.resetCounts();
    await world.clock.advance(HOUR_MS);
    expect(world.storage.count('get')).toBeLessThanOrEqual(3 * 3_600);
    expect(world.storage.count('list')).toBeLessThanOrEqual(3_600 + 2 * 120);
    expect(world.storage.count('get')).toBeGreaterThan(3 * 3_500);
    await subscription.close();
  });

  it('a silent worker is not asked more often because another one is busy', async () => {
    const world = new MonitoringWorld();
    const [busy, silent] = [world.publisher('busy'), world.publisher('silent')];
    await silent.publish(JOB, [finished(0, 'silent')]);
    await busy.publish(JOB, [finished(0, 'busy')]);
    const subscription = await world.subscribe();
    await world.clock.advance(10_000);
    const asked = { busy: 0, silent: 0 };
    world.storage.before = (operation, key) => {
      if (operation === 'get') asked[key.includes('silent') ? 'silent' : 'busy'] += 1;
    };
    for (let callId = 1; callId <= 200; callId += 1) {
      await busy.publish(JOB, [finished(callId, 'busy')]);
      await world.clock.advance(50);
    }
    expect(asked.silent).toBeLessThanOrEqual(11);
    expect(asked.busy).toBeGreaterThan(100);
    await subscription.close();
  });

  it('hears of an event at the latest after the longest interval', async () => {
    const world = new MonitoringWorld({ maxIntervalMs: 700 });
    const subscription = await world.subscribe();
    await world.clock.advance(60_000);
    const publisher = world.publisher();
    for (const callId of [0, 1]) {
      await publisher.publish(JOB, [finished(callId)]);
      await world.clock.advance(700);
      expect(world.seen.at(-1)).toBe(callId);
      await world.clock.advance(60_000);
    }
    await subscription.close();
  });
});

describe('growth', () => {
  /** Operations of the client for a job of so many segments by ten workers that publish in turns. */
  async function operations(segments: number, watched: boolean): Promise<number> {
    const world = new MonitoringWorld({ watched });
    const subscription = await world.subscribe();
    const publishers = Array.from({ length: 10 }, (_, index) => `w${index}`).map((id) => ({
      id,
      publisher: world.publisher(id),
    }));
    for (let callId = 0; callId < segments; callId += publishers.length) {
      await Promise.all(
        publishers.map(({ id, publisher }, index) => publisher.publish(JOB, [finished(callId + index, id)])),
      );
      await world.clock.advance(100);
    }
    await world.clock.advance(1_000);
    expect(world.seen.toSorted((left, right) => left - right)).toEqual(Array.from({ length: segments }, (_, id) => id));
    await subscription.close();
    return world.storage.count() - world.storage.count('put');
  }

  it.each([true, false])('of the operations is linear in the segments (watched: %s)', async (watched) => {
    const sizes = [400, 1_600, 6_400];
    const counts: number[] = [];
    for (const size of sizes) counts.push(await operations(size, watched));
    const [small, , large] = counts as [number, number, number];
    const exponent = Math.log(large / small) / Math.log(6_400 / 400);
    expect(exponent).toBeLessThanOrEqual(1.05);
    expect(large / 6_400).toBeLessThan(4);
  });

  it('of one look does not come with the segments that were read before', async () => {
    const world = new MonitoringWorld();
    const subscription = await world.subscribe();
    const publisher = world.publisher();
    const perLook: number[] = [];
    for (let callId = 0; callId < 3_000; callId += 1) {
      await publisher.publish(JOB, [finished(callId)]);
      if (callId % 1_000 !== 999) continue;
      await world.clock.advance(10_000);
      world.storage.resetCounts();
      await world.clock.advance(10_000);
      perLook.push(world.storage.count());
    }
    expect(world.seen).toHaveLength(3_000);
    expect(Math.max(...perLook) - Math.min(...perLook)).toBeLessThanOrEqual(3);
    expect(Math.max(...perLook)).toBeLessThanOrEqual(2 * 11 + 2);
    await subscription.close();
  });

  it('of a replay is about one read for each segment, many at a time, never more than allowed', async () => {
    const world = new MonitoringWorld({ parallelReads: 8 });
    const publisher = world.publisher();
    for (let callId = 0; callId < 2_000; callId += 1) await publisher.publish(JOB, [finished(callId)]);
    world.storage.resetCounts();
    let atOnce = 0;
    let most = 0;
    world.storage.before = async (operation) => {
      if (operation !== 'get') return;
      atOnce += 1;
      most = Math.max(most, atOnce);
      await nextTurn();
      atOnce -= 1;
    };
    const subscription = await world.subscribe();
    await subscription.refresh();
    expect(world.seen).toEqual(Array.from({ length: 2_000 }, (_, callId) => callId));
    expect(world.storage.count('get')).toBeLessThan(2_100);
    expect(most).toBe(8);
    await subscription.close();
  });

  it('of a refresh follows the workers and what is new, not what was read', async () => {
    const world = new MonitoringWorld({ watched: true });
    const publisher = world.publisher();
    for (let callId = 0; callId < 5_000; callId += 1) await publisher.publish(JOB, [finished(callId)]);
    const subscription = await world.subscribe();
    await subscription.refresh();
    world.storage.resetCounts();
    await subscription.refresh();
    expect([world.storage.count('list'), world.storage.count('get')]).toEqual([3, 0]);
    await subscription.close();
  });
});

describe('keys', () => {
  it('of other jobs and executors are never listed, however alike', async () => {
    const world = new MonitoringWorld();
    const prefixes = new Set<string>();
    world.storage.before = (operation, key) => {
      if (operation === 'list') prefixes.add(key);
    };
    const subscription = await world.subscribe();
    await world.clock.advance(60_000);
    for (const prefix of prefixes) {
      expect(prefix.startsWith(statusPrefix(JOB))).toBe(true);
      expect(prefix.endsWith('/')).toBe(true);
    }
    expect(prefixes).toContain(firstSegmentsPrefix(JOB));
    await subscription.close();
  });
});
