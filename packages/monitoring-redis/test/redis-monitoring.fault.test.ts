import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, systemClock, type JobRef, type Storage, type StatusPublisher } from '@splitrock/core/plugin';
import { plugin } from '@splitrock/monitoring-redis';
import { freePorts, startRedisServer, type Daemon } from '@splitrock/services';
import { testService } from '@splitrock/services/vitest';
import { plugin as memoryStorage } from '@splitrock/storage-memory';
import { InterceptedStorage, MonitoringFixture, finishedCall, lifeOfCall } from '@splitrock/testkit';

// Leased for its side effect of having the program installed; the tests below stop servers of their own.
const redis = await testService('redis');

/** For what should happen soon, on a busy machine. */
const PATIENCE = { timeout: 60_000 };
const DEADLINE_MS = 60_000;
const FAULT_TEST_MS = 120_000;

const failureOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: Error) => error,
  );

async function openStorage(): Promise<Storage> {
  const deps = { logger: silentLogger, clock: systemClock };
  return memoryStorage.createStorage(memoryStorage.optionsSchema.parse({}), deps);
}

describe.skipIf(!redis.available)('a Redis server in trouble', { timeout: FAULT_TEST_MS }, () => {
  let folder = '';
  let server: Daemon;
  let port = 0;
  let storage: Storage;
  let full = false;
  const fixtures: MonitoringFixture[] = [];

  const start = async (...args: string[]): Promise<void> => {
    ({ daemon: server, port } = await startRedisServer({
      folder,
      args: ['--appendfsync', 'always', ...args],
      ...(port === 0 ? {} : { port }),
    }));
  };
  const kill = async (): Promise<void> => {
    server.signal('SIGKILL');
    await server.exited;
  };
  const fixture = (options: object = {}): MonitoringFixture => {
    const all = { host: '127.0.0.1', port, ...options };
    const made = new MonitoringFixture({ plugin, options: all, storage, close: async () => {} }, DEADLINE_MS);
    fixtures.push(made);
    return made;
  };
  const admin = async <T>(action: (client: Redis) => Promise<T>, options: object = {}): Promise<T> => {
    const client = new Redis({ host: '127.0.0.1', port, ...options });
    try {
      return await action(client);
    } finally {
      client.disconnect();
    }
  };
  const publishEach = async (publisher: StatusPublisher, job: JobRef, calls: readonly number[]): Promise<void> => {
    for (const callId of calls) await publisher.publish(job, [finishedCall('w1', callId)]);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'splitrock-redis-'));
    storage = new InterceptedStorage(await openStorage(), {
      before: (operation) => {
        if (full && operation === 'put') throw new Error('the store is full');
      },
    });
  });

  afterEach(async () => {
    full = false;
    for (const each of fixtures.splice(0)) await each.close();
    await storage.close();
    await server?.stop();
    port = 0;
    await rm(folder, { recursive: true });
  });

  it('that is killed and comes back: nothing whose publication resolved is lost, live or late', async () => {
    await start();
    const world = fixture();
    const job = world.newJob();
    const live = await world.listen(job, { replay: false });
    const publisher = await world.publisher('w1');
    const stop = new AbortController();
    let durable = 0;
    const publishing = (async () => {
      for (; !stop.signal.aborted; durable += 1) await publisher.publish(job, [finishedCall('w1', durable)]);
    })();
    for (let round = 0; round < 2; round += 1) {
      const before = durable;
      await expect.poll(() => durable, PATIENCE).toBeGreaterThan(before + 50);
      await kill();
      await start();
    }
    const before = durable;
    await expect.poll(() => durable, PATIENCE).toBeGreaterThan(before + 50);
    stop.abort();
    await publishing;
    const late = await world.listen(job);
    for (const { recorder, subscription } of [live, late]) {
      await subscription.refresh();
      expect(recorder.finishedCalls).toBe(durable);
    }
    expect(live.recorder.troubles.map(({ message }) => message).join()).toContain('the server does not answer');
  });

  it('that cuts connections: the client goes on where it was, nobody hears of calls twice in a row', async () => {
    await start();
    const world = fixture();
    const job = world.newJob();
    const { recorder } = await world.listen(job);
    const publisher = await world.publisher('w1');
    for (let cut = 0; cut < 3; cut += 1) {
      await publishEach(publisher, job, [3 * cut, 3 * cut + 1, 3 * cut + 2]);
      await admin((client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
    }
    await recorder.untilFinished(9);
    expect(recorder.troubles.length).toBeGreaterThan(0);
  });

  it('that is away: status goes round by storage, seen by the client meanwhile and by all later', async () => {
    await start();
    const world = fixture({ patienceMs: 200, refreshForMs: 200 });
    const job = world.newJob();
    const { recorder, subscription } = await world.listen(job);
    const publisher = await world.publisher('w1');
    await publisher.publish(job, [finishedCall('w1', 0)]);
    await recorder.untilFinished(1);
    await kill();
    await publishEach(publisher, job, [1, 2, 3]);
    await recorder.untilFinished(4);
    expect(await failureOf(subscription.refresh())).toMatchObject({ code: 'MONITORING_UNAVAILABLE', retryable: true });
    await start();
    await publishEach(publisher, job, [4]);
    await recorder.untilFinished(5);
    const late = await world.listen(job);
    await late.recorder.untilFinished(5);
    expect(late.recorder.troubles).toEqual([]);
  });

  it('that is away and then back: what went to storage is announced, without a look', async () => {
    await start();
    const cut = fixture({ patienceMs: 200 });
    const job = cut.newJob();
    const publisher = await cut.publisher('w1');
    await publisher.publish(job, [finishedCall('w1', 0)]);
    await kill();
    await publisher.publish(job, [finishedCall('w1', 1)]);
    await start();
    // This one was never without its server, and looks at storage once in half a minute.
    const { recorder } = await fixture().listen(job, { replay: false });
    await recorder.untilFinished(1);
    expect(recorder.hasFinished(finishedCall('w1', 1))).toBe(true);
  });

  it('that is full: a clear error where storage is no help, else status goes round', async () => {
    await start('--maxmemory', '3mb', '--maxmemory-policy', 'noeviction');
    const world = fixture({ maxSegmentBytes: 2_000_000 });
    const job = world.newJob();
    const { recorder, subscription } = await world.listen(job);
    const publisher = await world.publisher('w1');
    const large = (callId: number) => ({
      ...finishedCall('w1', callId),
      outcome: { kind: 'value', inline: new Uint8Array(1_000_000) } as const,
    });
    for (let callId = 0; callId < 6; callId += 1) await publisher.publish(job, [large(callId)]);
    await subscription.refresh();
    expect(recorder.finishedCalls).toBe(6);
    full = true;
    const error = await failureOf(publisher.publish(job, [large(6)]));
    expect(error).toMatchObject({ code: 'MONITORING_NO_SPACE' });
    expect(error.message).toContain('maxmemory');
  });

  it('that wants another password: told at once, by code, without the password', async () => {
    await start('--requirepass', 'the-right-one');
    for (const options of [{ password: 'the-wrong-one' }, {}, { username: 'nobody', password: 'the-wrong-one' }]) {
      const world = fixture({ ...options, patienceMs: 600_000 });
      for (const error of [await failureOf(world.publisher('w1')), await failureOf(world.listen(world.newJob()))]) {
        expect(error).toMatchObject({ code: 'MONITORING_ACCESS_DENIED', retryable: false });
        expect(JSON.stringify([String(error), error])).not.toMatch(/the-(wrong|right)-one/);
      }
    }
    const right = fixture({ password: 'the-right-one' });
    await right.listen(right.newJob());
  });

  it('that gives a user no more than the README asks for: that is enough', async () => {
    await start();
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const rules = (/^An ACL user needs `(.*)`\.$/m.exec(readme)?.[1] ?? '')
      .replace('<keyPrefix><tenant>', 'splitrock:status:conformance')
      .split(' ');
    await admin((client) => client.call('ACL', 'SETUSER', 'worker', 'on', '>a-password', ...rules));
    const world = fixture({ username: 'worker', password: 'a-password' });
    const [job, other] = [world.newJob(), world.newJob()];
    const subscriber = await world.subscriber(job);
    const { recorder, subscription } = await world.listen(job, { replay: false }, subscriber);
    await (await world.publisher('w1')).publish(job, [finishedCall('w1', 0)]);
    await recorder.untilFinished(1);
    await world.listen(other, {}, subscriber);
    await subscription.refresh();
    expect(await subscriber.clean?.([job])).toEqual({ removed: { statusLogs: 1 } });
    expect(recorder.troubles).toEqual([]);
  });

  it('that is not there: whoever subscribes hears it soon, workers go round by storage', async () => {
    [port = 0] = await freePorts(1);
    const world = fixture({ patienceMs: 300 });
    const job = world.newJob();
    expect(await failureOf(world.listen(job))).toMatchObject({ code: 'MONITORING_UNAVAILABLE', retryable: true });
    await (await world.publisher('w1')).publish(job, lifeOfCall('w1', 0));
    await start();
    const { recorder } = await world.listen(job);
    await recorder.untilFinished(1);
  });

  it('keeps nothing after clean, not even of a worker that speaks late, and else for a while only', async () => {
    await start();
    const world = fixture({ expireAfterHours: 1 });
    const job = world.newJob();
    const subscriber = await world.subscriber(job);
    const { recorder, subscription } = await world.listen(job, {}, subscriber);
    const publisher = await world.publisher('w1');
    await publisher.publish(job, [finishedCall('w1', 0)]);
    await recorder.untilFinished(1);
    const [key = ''] = await admin((client) => client.keys('*'));
    expect(key).toBe(`splitrock:status:conformance:${job.executorId}:1`);
    expect(await admin((client) => client.pttl(key))).toBeGreaterThan(3_500_000);
    await subscription.close();
    expect(await subscriber.clean?.([job])).toEqual({ removed: { statusLogs: 1 } });
    await publisher.publish(job, [finishedCall('w1', 1)]);
    expect(await admin((client) => client.keys('*'))).toEqual([]);
    expect(await subscriber.clean?.([job])).toEqual({ removed: { statusLogs: 0 } });
  });

  it('that lost a running job’s stream gets it again with the next event', async () => {
    await start();
    const world = fixture();
    const job = world.newJob();
    await storage.put(`jobs/${job.executorId}/000001/job`, new Uint8Array(1));
    const { recorder } = await world.listen(job);
    const publisher = await world.publisher('w1');
    await publisher.publish(job, [finishedCall('w1', 0)]);
    await admin((client) => client.flushall());
    await publisher.publish(job, [finishedCall('w1', 1)]);
    await recorder.untilFinished(2);
    expect(recorder.hasFinished(finishedCall('w1', 1))).toBe(true);
  });
});
