/** What only a work queue promises: workers, brokers and clients come and go, and every call still ends. */
import { testService } from '@splitrock/services/vitest';
import { ExecutorFixture, type BackendHarness } from '@splitrock/testkit';
import { connect } from 'amqplib';
import { afterEach, describe, expect, it } from 'vitest';
import { signalWorker } from '../test/local-worker-pool.ts';
import { Topology } from './broker/topology.ts';
import { OwnBroker } from '../test/own-broker.ts';
import { makeWorkQueueHarness } from '../test/work-queue-harness.ts';

const DEADLINE_MS = 60_000;
const rabbitmq = await testService('rabbitmq');
const sharedUrl = (): string => rabbitmq.variable('SPLITROCK_TEST_AMQP_URL');

const pause = async (ms: number): Promise<string> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return `paused ${ms}`;
};

let harness: BackendHarness;
let executor: ExecutorFixture;

async function start(url: string, options: Readonly<Record<string, unknown>> = {}): Promise<void> {
  harness = await makeWorkQueueHarness(url, options);
  executor = await ExecutorFixture.start(harness, DEADLINE_MS);
}

const topology = (): Topology =>
  new Topology({ tenant: executor.tenant, pool: (harness.backend.options as { readonly pool: string }).pool });

async function isInBroker(queue: string): Promise<boolean> {
  const model = await connect(sharedUrl());
  try {
    const channel = await model.createChannel();
    // A queue that is not there closes the channel.
    channel.on('error', () => undefined);
    return await channel.checkQueue(queue).then(
      () => true,
      () => false,
    );
  } finally {
    await model.close();
  }
}

const startedWorkers = (): readonly string[] =>
  executor.workers.flatMap(({ change, workerId }) => (change === 'started' ? [workerId] : []));

const fill = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

describe.skipIf(!rabbitmq.available)('calls in a RabbitMQ work queue', { timeout: 3 * DEADLINE_MS }, () => {
  afterEach(async () => {
    await executor.close();
    await harness.close();
  });

  it('of a worker that is killed run elsewhere, without any being reported lost', async () => {
    await start(sharedUrl(), { workers: 2 });
    const job = await executor.job({ fn: pause, inputs: fill(40, 100) });
    await job.submit({ inputs: 'inline' });
    await job.until(() => job.endedCount > 3 && startedWorkers().length === 2, 'both workers work');
    signalWorker(startedWorkers()[0] as string, 'SIGKILL');
    await job.ended();
    expect(await job.values()).toEqual(fill(40, 'paused 100'));
    expect(job.lostCalls()).toEqual([]);
  });

  it('of a worker that must leave are finished or given back', async () => {
    await start(sharedUrl(), { workers: 2 });
    const job = await executor.job({ fn: pause, inputs: fill(60, 50) });
    await job.submit();
    await job.until(() => job.endedCount > 3 && startedWorkers().length === 2, 'both workers work');
    signalWorker(startedWorkers()[0] as string, 'SIGTERM');
    await job.ended();
    expect(await job.values()).toEqual(fill(60, 'paused 50'));
    expect(job.lostCalls()).toEqual([]);
  });

  it('that kill their worker every time are reported lost, and their siblings finish', async () => {
    await start(sharedUrl(), { slotKind: 'thread', workerProcesses: 2, maxDeaths: 1 });
    const poison = async (item: number): Promise<number> => {
      if (item === 3) process.kill(process.pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return item;
    };
    const inputs = Array.from({ length: 8 }, (_, index) => index);
    const job = await executor.job({ fn: poison, inputs, run: { chunkSize: 1 } });
    await job.submit({ inputs: 'inline' });
    await job.ended();
    expect(job.lost(3)?.reason).toMatchObject({ kind: 'worker-lost' });
    const bystanders = job.lostCalls().filter((callId) => callId !== 3);
    for (const callId of bystanders) await job.submit({ calls: { from: callId, to: callId + 1 }, attempt: 2 });
    await job.ended();
    const values = await Promise.all(
      inputs.filter((item) => item !== 3).map((callId) => job.value(callId, bystanders.includes(callId) ? 2 : 1)),
    );
    expect(values).toEqual(inputs.filter((item) => item !== 3));
  });

  it('that run longer than the broker waits for an acknowledgement are kept, and come back when the worker dies', async () => {
    await start(sharedUrl(), { consumerTimeoutSeconds: 4, workerProcesses: 1 });
    const job = await executor.job({ fn: pause, inputs: [6_000, 4_500] });
    await job.submit({ calls: { from: 0, to: 1 } });
    await job.until(() => job.started.size === 1, 'the call began');
    await job.ended();
    expect(job.finished(0).map(({ outcome }) => outcome.kind)).toEqual(['value']);
    await job.submit({ calls: { from: 1, to: 2 } });
    await job.until(() => job.started.has('1/1'), 'the second call began');
    const { clock } = executor;
    const renewedAtMs = clock.now() + 3_500;
    await expect.poll(() => clock.now() > renewedAtMs, { timeout: DEADLINE_MS }).toBe(true);
    const victim = startedWorkers().at(-1) as string;
    const kept = topology().keptQueue(job.job, victim);
    expect(await isInBroker(kept)).toBe(true);
    signalWorker(victim, 'SIGKILL');
    await job.ended();
    expect(await job.value(1)).toBe('paused 4500');
    // Its worker cannot remove it any more, and the queue would be there for days.
    await executor.backend.endJob(job.job);
    await expect.poll(() => isInBroker(kept), { timeout: DEADLINE_MS }).toBe(false);
  });

  it('begin at once behind ten thousand of another client', async () => {
    await start(sharedUrl(), { workerProcesses: 2 });
    const huge = await executor.job({ fn: pause, inputs: fill(10_000, 20) });
    await huge.submit();
    await huge.until(() => huge.endedCount > 10, 'the huge job is under way');
    const other = await ExecutorFixture.start(harness, DEADLINE_MS);
    const small = await other.job({ fn: pause, inputs: fill(10, 5) });
    await small.submit({ inputs: 'inline' });
    await small.ended();
    expect(await small.values()).toEqual(fill(10, 'paused 5'));
    expect(huge.endedCount).toBeLessThan(2_000);
    await other.close();
    await executor.backend.cancel(huge.job);
  });

  it('wait for a broker that refuses the password in vain, and their client is told', async () => {
    const url = new URL(sharedUrl());
    url.password = 'wrong';
    await start(url.href);
    const job = await executor.job({ fn: pause, inputs: [1] });
    await expect(job.submit()).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      details: { reason: 'BROKER_ACCESS_REFUSED' },
    });
    expect(executor.diagnoses).toMatchObject([{ severity: 'error', code: 'BROKER_ACCESS_REFUSED' }]);
    expect(JSON.stringify(executor.diagnoses)).not.toContain('wrong');
    // Nobody waits for that broker when the job is given up.
    const { backend } = executor;
    await expect(backend.cancel(job.job)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    await backend.endJob(job.job);
    expect(await backend.clean({ job: job.job })).toEqual({ removed: { queues: 0 } });
  });

  it('cannot be submitted to a virtual host that is not there', async () => {
    const url = new URL(sharedUrl());
    url.pathname = '/no-such-host';
    await start(url.href);
    const job = await executor.job({ fn: pause, inputs: [1] });
    await expect(job.submit()).rejects.toMatchObject({ details: { reason: 'BROKER_VHOST_REFUSED' } });
  });

  it('survive a broker that is stopped and started in the middle, each with one outcome', async () => {
    const broker = await OwnBroker.start();
    try {
      await start(broker.url, { workers: 2, workerProcesses: 2 });
      const job = await executor.job({ fn: pause, inputs: fill(200, 40) });
      await job.submit();
      await job.until(() => job.endedCount > 10, 'the job is under way');
      await broker.stop();
      await executor.until(() => executor.diagnoses.length > 0, 'the client was told');
      expect(executor.diagnoses[0]).toMatchObject({ severity: 'warning', code: 'BROKER_UNREACHABLE' });
      const late = await executor.job({ fn: pause, inputs: fill(5, 1) });
      const submitting = late.submit();
      await broker.startAgain();
      await submitting;
      await Promise.all([job.ended(), late.ended()]);
      expect(await job.values()).toEqual(fill(200, 'paused 40'));
      expect([...job.lostCalls(), ...late.lostCalls()]).toEqual([]);
      expect(executor.diagnoses.at(-1)).toMatchObject({ severity: 'info', code: 'BROKER_UNREACHABLE' });
      await executor.backend.stop();
    } finally {
      await broker.remove();
    }
  });
});
