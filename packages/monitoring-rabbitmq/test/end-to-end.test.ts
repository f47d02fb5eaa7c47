import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FunctionExecutor, type ExecutorOptions } from '@splitrock/core';
import { testService } from '@splitrock/services/vitest';

const service = await testService('rabbitmq');

describe.skipIf(!service.available)('an executor with `monitoring: rabbitmq`', () => {
  let folder = '';
  const options = (): ExecutorOptions => ({
    tenant: 'end-to-end',
    logLevel: 'error',
    cwd: folder,
    resolveFrom: [import.meta.url],
    monitoring: 'rabbitmq',
    monitorings: { rabbitmq: { url: service.variable('SPLITROCK_TEST_AMQP_URL') } },
    storages: { local: { directory: join(folder, 'storage') } },
    backends: { localhost: { workerProcesses: 2 } },
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'splitrock-rabbitmq-'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('runs jobs on this machine: values, errors and logs come through RabbitMQ, and nothing through storage', async () => {
    await using executor = new FunctionExecutor(options());
    expect(await executor.map((n: number) => n * n, [1, 2, 3])).toEqual([1, 4, 9]);
    const outcomes = await executor
      .map(
        (n: number) => {
          if (n === 1) throw new Error('not this one');
          return 'x'.repeat(n);
        },
        [0, 1, 100_000],
      )
      .settled();
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('gives an executor elsewhere all that was published for a job, and cleans up after it', async () => {
    await using first = new FunctionExecutor({ ...options(), cleanOnDispose: false });
    const job = first.map((n: number) => n + 1, [1, 2, 3]);
    expect(await job).toEqual([2, 3, 4]);
    await using second = new FunctionExecutor(options());
    const attached = second.attach<number>(job.id);
    expect(await attached).toEqual([2, 3, 4]);
    const { removed } = await second.clean([attached]);
    expect(removed).toMatchObject({ statusLogs: 1 });
  });
});
