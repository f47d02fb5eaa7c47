/** What only whole pods show: they outlive their client, and tidy up after it. */
import { connect } from 'amqplib';
import { testService } from '@splitrock/services/vitest';
import { ExecutorFixture, type BackendHarness } from '@splitrock/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { makePodsHarness } from '../test/pods-harness.ts';
import { Topology } from './broker/topology.ts';

const DEADLINE_MS = 60_000;
const rabbitmq = await testService('rabbitmq');
const brokerUrl = (): string => rabbitmq.variable('SPLITROCK_TEST_AMQP_URL');

let harness: BackendHarness;
afterEach(() => harness.close());

describe.skipIf(!rabbitmq.available)('worker pods', { timeout: 2 * DEADLINE_MS }, () => {
  it('that leave last, when their client has long gone, leave nothing of the pool in the broker', async () => {
    harness = await makePodsHarness(brokerUrl());
    const executor = await ExecutorFixture.start(harness, DEADLINE_MS);
    const job = await executor.job({ fn: (n: number) => n + 1, inputs: [1, 2, 3] });
    await job.submit({ inputs: 'inline' });
    await job.ended();
    const { pool } = harness.backend.options as { pool: string };
    const topology = new Topology({ tenant: executor.tenant, pool });
    await job.close();
    await executor.close();
    expect(await isThere(topology)).toBe(true);
    await expect.poll(() => isThere(topology), { timeout: DEADLINE_MS }).toBe(false);
  });

  it('that still stop calls when the queue of their job is removed leave like others', async () => {
    harness = await makePodsHarness(brokerUrl());
    const executor = await ExecutorFixture.start(harness, DEADLINE_MS);
    const endless = (): never => {
      for (;;);
    };
    const job = await executor.job({ fn: endless, inputs: [1, 2, 3] });
    await job.submit({ inputs: 'inline' });
    await job.until(() => job.started.size > 0, 'a call began');
    await executor.backend.cancel(job.job);
    await executor.backend.clean({ job: job.job });
    await job.close();
    const { pool } = harness.backend.options as { pool: string };
    const topology = new Topology({ tenant: executor.tenant, pool });
    await executor.close();
    await expect.poll(() => isThere(topology), { timeout: DEADLINE_MS }).toBe(false);
  });

  it('that the broker refuses end at once, and the first that does tells whoever waits', async () => {
    const url = new URL(brokerUrl());
    url.password = 'not-the-password';
    harness = await makePodsHarness(brokerUrl(), url.href);
    const executor = await ExecutorFixture.start(harness, DEADLINE_MS);
    const job = await executor.job({ fn: (n: number) => n + 1, inputs: [1] });
    await job.submit({ inputs: 'inline' });
    await executor.until(() => executor.diagnoses.length > 0, 'anything is told');
    const [first] = executor.diagnoses;
    expect(first).toMatchObject({
      severity: 'warning',
      code: 'WORKER_START_FAILED',
      message: expect.stringMatching(/exited with code 69: .*The RabbitMQ broker refuses the user or the password/),
    });
    // Of one death, not of several.
    expect(first?.message).not.toContain('in a row');
    expect(JSON.stringify(executor.diagnoses)).not.toContain('not-the-password');
    await job.close();
    await executor.close();
  });
});

/** Whether the pool has its log or its exchange in the broker. */
async function isThere({ log, presence }: Topology): Promise<boolean> {
  const model = await connect(brokerUrl());
  try {
    const found = await Promise.all([
      onChannel(model, (channel) => channel.checkQueue(log)),
      onChannel(model, (channel) => channel.checkExchange(presence)),
    ]);
    return found.includes(true);
  } finally {
    await model.close();
  }
}

type Model = Awaited<ReturnType<typeof connect>>;

async function onChannel(
  model: Model,
  look: (channel: Awaited<ReturnType<Model['createChannel']>>) => PromiseLike<unknown>,
): Promise<boolean> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    await look(channel);
    return true;
  } catch {
    return false;
  }
}
