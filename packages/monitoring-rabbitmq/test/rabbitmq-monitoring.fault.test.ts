import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  silentLogger,
  systemClock,
  type Clock,
  type JobRef,
  type Storage,
  type StatusPublisher,
} from '@splitrock/core/plugin';
import { plugin } from '@splitrock/monitoring-rabbitmq';
import { freePorts, startRabbitmqServer, type RabbitmqServer } from '@splitrock/services';
import { testService } from '@splitrock/services/vitest';
import { plugin as memoryStorage } from '@splitrock/storage-memory';
import { MonitoringFixture, TrackingClock, finishedCall, lifeOfCall } from '@splitrock/testkit';

// Leased for its side effect of having the program installed; the tests below kill a broker of their own.
const rabbitmq = await testService('rabbitmq');

/** For what should happen soon, on a busy machine. */
const PATIENCE = { timeout: 60_000, interval: 20 };
const DEADLINE_MS = 60_000;
const BROKER_TEST_MS = 180_000;

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

describe.skipIf(!rabbitmq.available)('a RabbitMQ broker in trouble', { timeout: BROKER_TEST_MS }, () => {
  let folder = '';
  let server: RabbitmqServer;
  let storage: Storage;
  const fixtures: MonitoringFixture[] = [];

  const start = async (): Promise<void> => {
    server = await startRabbitmqServer({ folder });
  };
  const fixture = (options: object = {}): MonitoringFixture => {
    const all = { host: '127.0.0.1', port: server.port, ...options };
    const made = new MonitoringFixture({ plugin, options: all, storage, close: async () => {} }, DEADLINE_MS);
    fixtures.push(made);
    return made;
  };
  const publishEach = async (publisher: StatusPublisher, job: JobRef, calls: readonly number[]): Promise<void> => {
    for (const callId of calls) await publisher.publish(job, [finishedCall('w1', callId)]);
  };
  const isThere = async (queue: string): Promise<boolean> => {
    const connection = await connect(`amqp://127.0.0.1:${server.port}`);
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    try {
      return await channel.checkQueue(queue).then(
        () => true,
        () => false,
      );
    } finally {
      await connection.close();
    }
  };

  beforeAll(async () => {
    storage = await openStorage();
    folder = await mkdtemp(join(tmpdir(), 'splitrock-amqp-'));
    await start();
    // The first stream that a broker ever has is not there again when it is killed in the next second: RabbitMQ 3.10
    // writes down only then that it has streams.
    const first = fixture();
    await first.listen(first.newJob());
    await server.control('eval', '[dets:sync(Table) || Table <- dets:all()].');
  }, BROKER_TEST_MS);

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  }, BROKER_TEST_MS);

  beforeEach(async () => {
    storage = await openStorage();
  });

  afterEach(async () => {
    for (const each of fixtures.splice(0)) await each.close();
    await storage.close();
  });

  it('that is killed and comes back: nothing whose publication resolved is lost, live or late', async () => {
    const world = fixture({ patienceMs: 500 });
    const job = world.newJob();
    const live = await world.listen(job, { replay: false });
    const publisher = await world.publisher('w1');
    const stop = new AbortController();
    let durable = 0;
    const publishing = (async () => {
      for (; !stop.signal.aborted; durable += 1) await publisher.publish(job, [finishedCall('w1', durable)]);
    })();
    const progress = async (calls: number): Promise<void> => {
      const before = durable;
      await expect.poll(() => durable, PATIENCE).toBeGreaterThan(before + calls);
    };
    await progress(50);
    await server.kill();
    // By storage, and seen there by the client.
    await progress(3);
    await live.recorder.untilFinished(durable);
    await start();
    await progress(50);
    stop.abort();
    await publishing;
    const late = await fixture({ patienceMs: 60_000 }).listen(job);
    for (const { recorder, subscription } of [live, late]) {
      await subscription.refresh();
      expect(recorder.finishedCalls).toBe(durable);
    }
    expect(live.recorder.troubles.map(({ message }) => message).join()).toContain('the broker does not answer');
  });

  it('that cuts connections: clients and workers go on where they were', async () => {
    const world = fixture();
    const job = world.newJob();
    const { recorder } = await world.listen(job);
    const publisher = await world.publisher('w1');
    for (let cut = 0; cut < 2; cut += 1) {
      await publishEach(publisher, job, [3 * cut, 3 * cut + 1, 3 * cut + 2]);
      await server.control('close_all_connections', 'a test cuts them');
    }
    await publishEach(publisher, job, [6]);
    await recorder.untilFinished(7);
    expect(recorder.events).toHaveLength(7);
  });

  it('that lost a running job’s stream gets it again with the next event, and the client is told', async () => {
    const world = fixture();
    const job = world.newJob();
    await storage.put(`jobs/${job.executorId}/000001/job`, new Uint8Array(1));
    const { recorder, subscription } = await world.listen(job, { replay: false });
    const publisher = await world.publisher('w1');
    await publishEach(publisher, job, [0, 1, 2]);
    await recorder.untilFinished(3);
    await server.control('delete_queue', `splitrock.conformance.status.${job.executorId}`);
    await publishEach(publisher, job, [3]);
    await recorder.untilFinished(4);
    await subscription.refresh();
    expect(recorder.troubles.map(({ message }) => message).join()).toContain('lost a stream of status');
  });

  it('that wants another password or has no such vhost: told at once, by code, without the password', async () => {
    const refused = [
      { options: { password: 'the-wrong-one' }, code: 'MONITORING_ACCESS_DENIED' },
      { options: { username: 'nobody', password: 'the-wrong-one' }, code: 'MONITORING_ACCESS_DENIED' },
      { options: { vhost: 'nowhere' }, code: 'MONITORING_UNAVAILABLE' },
    ];
    for (const { options, code } of refused) {
      const world = fixture({ ...options, patienceMs: 600_000 });
      for (const error of [await failureOf(world.publisher('w1')), await failureOf(world.listen(world.newJob()))]) {
        expect(error).toMatchObject({ code, retryable: false });
        expect(JSON.stringify([String(error), error])).not.toContain('the-wrong-one');
      }
    }
  });

  it('that is not there: whoever subscribes hears it soon, workers go round by storage', async () => {
    const [nobody] = await freePorts(1);
    const away = fixture({ port: nobody, patienceMs: 300 });
    const job = away.newJob();
    expect(await failureOf(away.listen(job))).toMatchObject({ code: 'MONITORING_UNAVAILABLE', retryable: true });
    await (await away.publisher('w1')).publish(job, lifeOfCall('w1', 0));
    const { recorder } = await fixture().listen(job);
    await recorder.untilFinished(1);
  });

  it('keeps a stream while its executor has jobs, and nothing after: not even of a worker that speaks late', async () => {
    const world = fixture();
    const job = world.newJob();
    const sibling = { ...job, jobNumber: 2 };
    await storage.put(`jobs/${job.executorId}/000002/job`, new Uint8Array(1));
    const subscriber = await world.subscriber(job);
    const { recorder, subscription } = await world.listen(job, { replay: false }, subscriber);
    const publisher = await world.publisher('w1');
    await publisher.publish(job, [finishedCall('w1', 0)]);
    await recorder.untilFinished(1);
    await subscription.close();
    const stream = `splitrock.conformance.status.${job.executorId}`;
    // Its sibling is in storage: whoever attaches to that needs the stream.
    expect(await subscriber.clean?.([job])).toEqual({ removed: { statusLogs: 0 } });
    expect(await isThere(stream)).toBe(true);
    await storage.delete(`jobs/${job.executorId}/000002/job`);
    expect(await subscriber.clean?.([sibling])).toEqual({ removed: { statusLogs: 1 } });
    await publisher.publish(job, [finishedCall('w1', 1)]);
    expect(await subscriber.clean?.([job])).toEqual({ removed: { statusLogs: 0 } });
    expect(await isThere(stream)).toBe(false);
  });

  it('where another client is removing old streams: whoever closes meanwhile waits no longer, and leaves no timer', async () => {
    const other = await connect(`amqp://127.0.0.1:${server.port}`);
    const turn = 'splitrock.red.status-streams.sweep';
    await (await other.createChannel()).assertQueue(turn, { exclusive: true, durable: false });
    let timersSet = 0;
    const clock = new TrackingClock();
    const counting: Clock = {
      now: () => clock.now(),
      setTimer(...timer) {
        timersSet += 1;
        return clock.setTimer(...timer);
      },
    };
    const options = plugin.optionsSchema.parse({ host: '127.0.0.1', port: server.port });
    const deps = { tenant: 'red', executorId: 'waitingwaiti', storage, logger: silentLogger, clock: counting };
    const subscriber = await plugin.createSubscriber(options, deps);
    const ignore = (): void => undefined;
    const job = { executorId: 'waitingwaiti', jobNumber: 1 };
    await (await subscriber.subscribe(job, ignore, ignore, { replay: false })).close();
    // It takes its turn again and again.
    const before = timersSet;
    await expect.poll(() => timersSet, PATIENCE).toBeGreaterThan(before + 3);
    await subscriber.close();
    expect(clock.pendingTimers).toBe(0);
    await other.close();
    const next = await plugin.createSubscriber(options, { ...deps, executorId: 'cleaner' });
    expect(await next.clean?.([job])).toEqual({ removed: { statusLogs: 1 } });
    await next.close();
    await expect.poll(() => isThere('splitrock.red.status-streams'), PATIENCE).toBe(false);
  });

  it('is rid of streams that nobody cleaned, once they were idle for long, by the next client of the tenant', async () => {
    const client = async (executorId: string, clock: Clock) => {
      const options = plugin.optionsSchema.parse({ host: '127.0.0.1', port: server.port });
      const deps = { tenant: 'green', executorId, storage, logger: silentLogger, clock };
      const subscriber = await plugin.createSubscriber(options, deps);
      const ignore = (): void => undefined;
      const subscription = await subscriber.subscribe({ executorId, jobNumber: 1 }, ignore, ignore);
      await subscription.close();
      return subscriber;
    };
    await (await client('abandonedabc', systemClock)).close();
    expect(await isThere('splitrock.green.status.abandonedabc')).toBe(true);
    const later = { ...systemClock, now: () => systemClock.now() + 73 * 3_600_000 };
    const next = await client('laterlaterla', later);
    await expect.poll(() => isThere('splitrock.green.status.abandonedabc'), PATIENCE).toBe(false);
    await next.clean?.([{ executorId: 'laterlaterla', jobNumber: 1 }]);
    await next.close();
    expect(await isThere('splitrock.green.status.laterlaterla')).toBe(false);
    expect(await isThere('splitrock.green.status-streams')).toBe(false);
  });
});
