import { describe, expect, it } from 'vitest';
import { StorageError, decodeStatusSegment, statusPrefix, statusSegmentKey } from '@splitrock/core/plugin';
import { JOB, MonitoringWorld, finished } from '../test/monitoring-world.ts';

const outage = () => new StorageError('STORAGE_UNAVAILABLE', 'The store is away.', { retryable: true });
const refused = () => new StorageError('STORAGE_ACCESS_DENIED', 'No.');

/** The call ids in the stored segments of the worker, by number. */
async function storedCalls({ storage }: MonitoringWorld, workerId = 'w1'): Promise<number[][]> {
  const segments: number[][] = [];
  for (;;) {
    const key = statusSegmentKey(JOB, workerId, segments.length);
    if ((await storage.head(key)) === undefined) return segments;
    segments.push(decodeStatusSegment(await storage.get(key)).map(({ callId }) => callId));
  }
}

describe('segments', () => {
  it('gather what is published while one is stored: two puts for a thousand calls', async () => {
    const world = new MonitoringWorld();
    let release: (() => void) | undefined;
    world.storage.before = () => new Promise<void>((resolve) => (release = resolve));
    const publisher = world.publisher();
    const first = publisher.publish(JOB, [finished(0)]);
    await world.clock.advance(0);
    const others = Array.from({ length: 999 }, (_, index) => publisher.publish(JOB, [finished(index + 1)]));
    world.storage.before = () => undefined;
    release?.();
    await Promise.all([first, ...others]);
    expect(world.storage.count('put')).toBe(2);
    expect((await storedCalls(world)).map(({ length }) => length)).toEqual([1, 999]);
  });

  it('share what is published in the same turn, without a timer', async () => {
    const world = new MonitoringWorld();
    const publisher = world.publisher();
    await Promise.all([0, 1, 2].map((callId) => publisher.publish(JOB, [finished(callId)])));
    expect(await storedCalls(world)).toEqual([[0, 1, 2]]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('are numbered without gaps and bounded in events', async () => {
    const world = new MonitoringWorld({ maxSegmentEvents: 2 });
    await world.publisher().publish(
      JOB,
      [0, 1, 2, 3, 4].map((callId) => finished(callId)),
    );
    expect(await storedCalls(world)).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('of different jobs are stored side by side: a slow job holds no other up', async () => {
    const world = new MonitoringWorld();
    const other = { ...JOB, jobNumber: 2 };
    let release: (() => void) | undefined;
    world.storage.before = (_operation, key) =>
      key.startsWith(statusPrefix(JOB)) ? new Promise<void>((resolve) => (release = resolve)) : undefined;
    const publisher = world.publisher();
    const slow = publisher.publish(JOB, [finished(0)]);
    await publisher.publish(other, [finished(0)]);
    release?.();
    await slow;
    expect(world.storage.count('put')).toBe(2);
  });
});

describe('trouble with the storage', () => {
  it('that passes is retried, with growing delays, and nothing is lost or out of order', async () => {
    const world = new MonitoringWorld();
    let failures = 5;
    world.storage.before = () => {
      failures -= 1;
      if (failures >= 0) throw outage();
    };
    const publisher = world.publisher();
    const published = Promise.all([0, 1].map((callId) => publisher.publish(JOB, [finished(callId)])));
    await world.clock.advance(50 + 100 + 200 + 400 + 800);
    await published;
    expect(world.storage.count('put')).toBe(6);
    expect(await storedCalls(world)).toEqual([[0, 1]]);
  });

  it('that lasts ends in a rejection with the facts after the documented time', async () => {
    const world = new MonitoringWorld({ retryForMs: 60_000 });
    world.storage.before = () => {
      throw outage();
    };
    const outcome = world
      .publisher()
      .publish(JOB, [finished(0)])
      .catch((error: unknown) => error);
    await world.clock.advance(60_000);
    expect(await outcome).toMatchObject({
      code: 'MONITORING_UNAVAILABLE',
      message: expect.stringContaining('[job=abcdefghijkl-1, worker=w1, segment=0, events=1]') as string,
      details: { jobId: 'abcdefghijkl-1', workerId: 'w1', segment: 0, events: 1 },
    });
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('that cannot pass is not retried', async () => {
    const world = new MonitoringWorld();
    world.storage.before = () => {
      throw refused();
    };
    await expect(world.publisher().publish(JOB, [finished(0)])).rejects.toMatchObject({
      code: 'MONITORING_UNAVAILABLE',
    });
    expect(world.storage.count('put')).toBe(1);
  });

  it('leaves no gap: the next events take the number of those given up', async () => {
    const world = new MonitoringWorld();
    const publisher = world.publisher();
    world.storage.before = () => {
      throw refused();
    };
    await expect(publisher.publish(JOB, [finished(0)])).rejects.toMatchObject({ code: 'MONITORING_UNAVAILABLE' });
    world.storage.before = () => undefined;
    await publisher.publish(JOB, [finished(1)]);
    expect(await storedCalls(world)).toEqual([[1]]);
  });

  it('that loses the answer of a put is recognised by the bytes: the segment is stored once', async () => {
    const world = new MonitoringWorld();
    let lost = 0;
    world.storage.after = (operation) => {
      if (operation === 'put' && lost++ === 0) throw outage();
    };
    const published = world.publisher().publish(JOB, [finished(0)]);
    await world.clock.advance(50);
    await published;
    expect(await storedCalls(world)).toEqual([[0]]);
    expect(lost).toBe(2);
  });

  it('that hides a success until the segment was given up costs a duplicate at most, never a later event', async () => {
    const world = new MonitoringWorld({ retryForMs: 0 });
    const publisher = world.publisher();
    world.storage.after = () => {
      throw outage();
    };
    await expect(publisher.publish(JOB, [finished(0)])).rejects.toMatchObject({ code: 'MONITORING_UNAVAILABLE' });
    world.storage.after = () => undefined;
    await publisher.publish(JOB, [finished(0), finished(1)]);
    expect(await storedCalls(world)).toEqual([[0], [0, 1]]);
  });
});

describe('a worker id', () => {
  it('that is used twice is an error for the second one, who overwrites nothing', async () => {
    const world = new MonitoringWorld();
    await world.publisher('same').publish(JOB, [finished(0, 'same')]);
    await expect(world.publisher('same').publish(JOB, [finished(1, 'same')])).rejects.toMatchObject({
      code: 'MONITORING_UNAVAILABLE',
      message: expect.stringContaining('must be unique') as string,
    });
    expect(await storedCalls(world, 'same')).toEqual([[0]]);
  });

  it.each(['', 'a/b'])('cannot be %j: no subscriber could read it from a key', (workerId) => {
    expect(() => new MonitoringWorld().publisher(workerId)).toThrow('Worker id cannot be part of a storage key');
  });

  it('must be the publisher’s own in every event', async () => {
    const world = new MonitoringWorld();
    await expect(world.publisher('w1').publish(JOB, [finished(0, 'w2')])).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    });
    expect(world.storage.count()).toBe(0);
  });
});

it('waits in close for what is being retried', async () => {
  const world = new MonitoringWorld();
  world.storage.before = () => {
    world.storage.before = () => undefined;
    throw outage();
  };
  const publisher = world.publisher();
  const published = publisher.publish(JOB, [finished(0)]);
  const closed = publisher.close();
  await world.clock.advance(50);
  await Promise.all([published, closed]);
  expect(await storedCalls(world)).toEqual([[0]]);
});
