/** Whoever waits for a job that cannot run is told why, and what to do, within ten seconds of the submission. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FunctionExecutor, JobEventMap } from 'splitrock';
import { KUBERNETES_BACKENDS, lacks } from './src/kubernetes-backends.ts';
import { core } from './src/surroundings.ts';
import { World, type WorldConfig } from './src/world.ts';

/** A promise of the product, and no measure of its speed. */
const TOLD_WITHIN = { timeout: 10_000, interval: 20 };

type Diagnosis = JobEventMap['job:diagnosis'];

let world: World;
const executors: FunctionExecutor[] = [];
afterEach(async () => {
  await Promise.all(executors.splice(0).map((executor) => executor.dispose()));
  await core.deleteCollectionNamespacedResourceQuota({ namespace: world.namespace });
});

function newExecutor(config: WorldConfig = {}): FunctionExecutor {
  const executor = world.executor(config);
  executors.push(executor);
  return executor;
}

function submit(executor: FunctionExecutor): readonly Diagnosis[] {
  const diagnoses: Diagnosis[] = [];
  const job = executor.map((n: number) => n, [1, 2, 3]);
  job.on('job:diagnosis', (diagnosis) => diagnoses.push(diagnosis));
  // It is cancelled with its executor.
  void job.settled().catch(() => undefined);
  return diagnoses;
}

const quota = (): Promise<unknown> =>
  core.createNamespacedResourceQuota({
    namespace: world.namespace,
    body: { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } },
  });

const wrongPassword = (): string => {
  const url = new URL(world.brokerUrl);
  url.password = 'not-the-password';
  return url.href;
};

interface Case {
  readonly why: string;
  readonly config: () => WorldConfig;
  readonly before?: () => Promise<unknown>;
  readonly code: string;
  readonly words: RegExp;
  readonly needsBroker?: boolean;
}

const CASES: readonly Case[] = [
  {
    why: 'no node has the CPUs that a worker asks for',
    config: () => ({ pods: { sizing: { kind: 'fixed', cpu: '500', memory: '512Mi' } } }),
    code: 'POOL_UNSCHEDULABLE',
    words: /Insufficient cpu.*asks for 500 CPU/,
  },
  {
    why: 'no node has room for one process',
    config: () => ({
      pods: { sizing: { kind: 'per-node', cpuPerProcess: '500', memoryPerProcess: '1Gi' }, slots: {} },
    }),
    code: 'POOL_NO_ROOM',
    words: /has \d+m? CPU and .* free/,
  },
  {
    why: 'no node finds the label that workers want',
    config: () => ({ pods: { nodeSelector: { 'example.org/nowhere': 'true' } } }),
    code: 'POOL_UNSCHEDULABLE',
    words: /node selector|affinity/,
  },
  {
    why: 'the image cannot be pulled',
    config: () => ({ pods: { image: 'localhost/no-such-image:1' } }),
    code: 'IMAGE_PULL_FAILED',
    words: /no-such-image.*(?:splitrock runtime push|imagePullSecrets)/s,
  },
  {
    why: 'the quota has no pod left',
    config: () => ({}),
    before: () => quota(),
    code: 'POOL_QUOTA_EXCEEDED',
    words: /exceeded quota: none.*pods=1/,
  },
  {
    why: 'the broker refuses the workers’ password',
    config: () => ({ amqp: { workerUrl: wrongPassword() } }),
    code: 'WORKER_START_FAILED',
    words: /code 69.*broker refuses the user or the password/,
    needsBroker: true,
  },
];

describe.each(KUBERNETES_BACKENDS)('a job on $name that cannot run', (backend) => {
  beforeAll(async () => {
    world = await World.create(backend);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const isFor = ({ needsBroker = false }: Case): boolean => !needsBroker || !lacks(backend, 'a broker');
  it.each(CASES.filter(isFor))('because $why', async ({ config, before, code, words }) => {
    await before?.();
    const diagnoses = submit(newExecutor(config()));
    const told = (): Diagnosis | undefined =>
      diagnoses.find((diagnosis) => diagnosis.code === code && diagnosis.severity !== 'info');
    await expect.poll(told, TOLD_WITHIN).toMatchObject({ message: expect.stringMatching(words) });
    expect(JSON.stringify(diagnoses)).not.toContain('not-the-password');
  });

  it.skipIf(lacks(backend, 'a broker'))(
    'because the broker refuses the client’s password: its calls fail, and its executor ends',
    async () => {
      const executor = newExecutor({ amqp: { url: wrongPassword() }, monitoring: 'storage' });
      let failed: unknown;
      executor
        .callAsync(() => 1)
        .result()
        .catch((error: unknown) => (failed = error));
      await expect
        .poll(() => failed, TOLD_WITHIN)
        .toMatchObject({
          code: 'BACKEND_UNAVAILABLE',
          message: expect.stringMatching(/refuses the user or the password.*correct amqp.url/),
        });
      expect(String(failed)).not.toContain('not-the-password');
      await executor.dispose();
    },
  );

  it('goes on when somebody has done what was said', async () => {
    await quota();
    const executor = newExecutor();
    const diagnoses: Diagnosis[] = [];
    const job = executor.map((n: number) => n + 1, [1, 2, 3]);
    job.on('job:diagnosis', (diagnosis) => diagnoses.push(diagnosis));
    const codes = (): string[] => diagnoses.map(({ severity, code }) => `${severity} ${code}`);
    await expect.poll(codes, TOLD_WITHIN).toContain('error POOL_QUOTA_EXCEEDED');
    await core.deleteNamespacedResourceQuota({ namespace: world.namespace, name: 'none' });
    expect(await job).toEqual([2, 3, 4]);
    expect(codes()).toContain('info POOL_QUOTA_EXCEEDED');
  });
});
