import { describe, expect, it } from 'vitest';
import { StorageError, firstSegmentsPrefix, nextSegmentsPrefix, statusSegmentKey } from '@splitrock/core/plugin';
import { JOB, MonitoringWorld, finished } from '../test/monitoring-world.ts';

const outage = () => new StorageError('STORAGE_UNAVAILABLE', 'The store is away.', { retryable: true });
const bytes = (text: string) => new TextEncoder().encode(text);
const HALF_MINUTE_MS = 30_000;

describe.each([{ watched: true }, { watched: false }])('damage, with watched: $watched,', ({ watched }) => {
  it('to a segment is reported with the facts, and what follows is delivered', async () => {
    const world = new MonitoringWorld({ watched });
    await world.writeSegment(0, [finished(0)]);
    await world.storage.put(statusSegmentKey(JOB, 'w1', 1), bytes('not a segment'));
    await world.writeSegment(2, [finished(2)]);
    const subscription = await world.subscribe();
    await world.clock.advance(1_000);
    expect(world.seen).toEqual([0, 2]);
    expect(world.troubles).toMatchObject([
      { code: 'DATA_CORRUPT', details: { key: statusSegmentKey(JOB, 'w1', 1), workerId: 'w1', segment: 1, bytes: 13 } },
    ]);
    await world.clock.advance(HALF_MINUTE_MS);
    expect(world.troubles).toHaveLength(1);
    await subscription.close();
  });

  it('by removed segments is noticed within half a minute, reported once, and crossed', async () => {
    const world = new MonitoringWorld({ watched });
    await world.writeSegment(0, [finished(0)]);
    for (const segment of [5, 6]) await world.writeSegment(segment, [finished(segment)]);
    const subscription = await world.subscribe();
    await world.clock.advance(1_000);
    expect(world.seen).toEqual([0]);
    await world.clock.advance(HALF_MINUTE_MS);
    expect(world.seen).toEqual([0, 5, 6]);
    expect(world.troubles).toMatchObject([{ code: 'DATA_CORRUPT', details: { workerId: 'w1', from: 1, to: 5 } }]);
    await world.clock.advance(HALF_MINUTE_MS);
    expect(world.troubles).toHaveLength(1);
    await world.writeSegment(7, [finished(7)]);
    await world.clock.advance(1_000);
    expect(world.seen).toEqual([0, 5, 6, 7]);
    await subscription.close();
  });

  it('by a removed first segment does not hide its worker', async () => {
    const world = new MonitoringWorld({ watched });
    await world.writeSegment(1, [finished(1)]);
    const subscription = await world.subscribe();
    await subscription.refresh();
    expect(world.seen).toEqual([1]);
    expect(world.troubles).toMatchObject([{ details: { workerId: 'w1', from: 0, to: 1 } }]);
    await subscription.close();
  });

  it('is crossed by a refresh at once, in no more steps than there are segments', async () => {
    const world = new MonitoringWorld({ watched });
    await world.writeSegment(0, [finished(0)]);
    await world.writeSegment(999_999_999, [finished(7)]);
    const subscription = await world.subscribe();
    await subscription.refresh();
    expect(world.seen).toEqual([0, 7]);
    expect(world.troubles).toMatchObject([{ details: { from: 1, to: 999_999_999 } }]);
    expect(world.storage.count()).toBeLessThan(60);
    await subscription.close();
  });
});

describe('what is no segment', () => {
  it('is passed over', async () => {
    const world = new MonitoringWorld();
    for (const key of ['w1/readme', 'w1/12', 'deep/er/0000000001', 'plain']) {
      await world.storage.put(`${nextSegmentsPrefix(JOB)}${key}`, bytes('?'));
    }
    await world.storage.put(`${firstSegmentsPrefix(JOB)}deep/er`, bytes('?'));
    await world.writeSegment(0, [finished(0)]);
    const subscription = await world.subscribe();
    await subscription.refresh();
    await world.clock.advance(HALF_MINUTE_MS);
    expect([world.seen, world.troubles]).toEqual([[0], []]);
    await subscription.close();
  });
});

describe.each([{ watched: true }, { watched: false }])(
  'an outage of the storage, with watched: $watched,',
  ({ watched }) => {
    it('is reported while it lasts, ever more rarely, and over when it is over', async () => {
      const world = new MonitoringWorld({ watched });
      const subscription = await world.subscribe();
      await world.clock.advance(1_000);
      await world.writeSegment(0, [finished(0)]);
      world.storage.before = () => {
        throw outage();
      };
      await world.clock.advance(60_000);
      expect(world.seen).toEqual([]);
      expect(world.troubles.length).toBeGreaterThanOrEqual(10);
      expect(world.troubles.length).toBeLessThanOrEqual(25);
      expect(world.troubles[0]).toMatchObject({ code: 'MONITORING_UNAVAILABLE', retryable: true });
      expect(world.troubles[0]?.message).toContain('The store is away.');
      world.storage.before = () => undefined;
      await world.clock.advance(5_000);
      expect(world.seen).toEqual([0]);
      const reported = world.troubles.length;
      await world.clock.advance(HALF_MINUTE_MS);
      expect(world.troubles).toHaveLength(reported);
      await subscription.close();
    });

    it('fails a refresh instead of claiming that there is nothing', async () => {
      const world = new MonitoringWorld({ watched });
      await world.writeSegment(0, [finished(0)]);
      const subscription = await world.subscribe();
      world.storage.before = () => {
        throw outage();
      };
      await expect(subscription.refresh()).rejects.toMatchObject({ code: 'MONITORING_UNAVAILABLE', retryable: true });
      world.storage.before = () => undefined;
      await subscription.refresh();
      expect(world.seen).toContain(0);
      await subscription.close();
    });
  },
);

it('polls when the storage cannot be watched after all, and says so', async () => {
  const world = new MonitoringWorld({ watched: true });
  world.storage.before = (operation) => {
    if (operation === 'watch') throw outage();
  };
  const subscription = await world.subscribe();
  await world.publisher().publish(JOB, [finished(0)]);
  await world.clock.advance(1_000);
  expect(world.seen).toEqual([0]);
  expect(world.troubles).toMatchObject([{ code: 'MONITORING_UNAVAILABLE' }]);
  await subscription.close();
});

it('reports a listener that throws and goes on with the next events', async () => {
  const world = new MonitoringWorld({ watched: true });
  const seen: number[] = [];
  const subscription = await world.subscriber().subscribe(
    JOB,
    ([event]) => {
      if (event?.callId === 0) throw new Error('bug in the listener');
      seen.push(event?.callId ?? -1);
    },
    (error) => world.troubles.push(error),
  );
  const publisher = world.publisher();
  for (const callId of [0, 1]) {
    await publisher.publish(JOB, [finished(callId)]);
    await world.clock.advance(0);
  }
  expect(seen).toEqual([1]);
  expect(world.troubles).toMatchObject([{ code: 'INTERNAL', cause: { message: 'bug in the listener' } }]);
  await subscription.close();
});

it('closes its watch, also when it is closed while the watch is being set up', async () => {
  for (const moment of ['later', 'meanwhile'] as const) {
    const world = new MonitoringWorld({ watched: true });
    const subscriber = world.subscriber();
    const { opened, closed } = world.countWatches();
    const subscribing = world.subscribe(JOB, subscriber);
    if (moment === 'later') await subscribing;
    const outcome = subscribing.catch((error: unknown) => error);
    await subscriber.close();
    await outcome;
    await world.clock.advance(0);
    expect([opened(), closed()]).toEqual([1, 1]);
  }
});

it('rejects a refresh that waits while the subscription closes', async () => {
  const world = new MonitoringWorld();
  const subscription = await world.subscribe();
  world.storage.before = (operation) =>
    operation === 'list' ? new Promise((resolve) => setImmediate(resolve)) : undefined;
  const refreshes = [subscription.refresh(), subscription.refresh()];
  const closed = subscription.close();
  await Promise.all(refreshes.map((refresh) => expect(refresh).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })));
  await closed;
  expect(world.clock.pendingTimers).toBe(0);
});

it('gives a refresh up when its signal aborts while it waits', async () => {
  const world = new MonitoringWorld();
  const subscription = await world.subscribe();
  await world.clock.advance(0);
  let release: (() => void) | undefined;
  world.storage.before = () => new Promise((resolve) => (release = resolve));
  const controller = new AbortController();
  const refresh = subscription.refresh({ signal: controller.signal });
  await world.clock.advance(0);
  controller.abort(new Error('enough'));
  await expect(refresh).rejects.toThrow('enough');
  world.storage.before = () => undefined;
  release?.();
  await subscription.refresh();
  await subscription.close();
});
