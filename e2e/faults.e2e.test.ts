/** Something breaks in the middle of a job, on each backend: all results are right at its end, and each call has had one outcome. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { startCluster, type Cluster } from '@splitrock/cluster';
import { restartService, stopService } from '@splitrock/services';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from 'splitrock';
import { ClientProcess } from './src/client-process.ts';
import { KUBERNETES_BACKENDS, lacks, type KubernetesBackend } from './src/kubernetes-backends.ts';
import { core, surroundings } from './src/surroundings.ts';
import { WatchedJob, valueOf } from './src/watched-job.ts';
import { World, mainProcess, slotProcesses, type WorldConfig } from './src/world.ts';

const OUTAGE_MS = 20_000;
const PATIENCE = { timeout: 60_000, interval: 50 };

const REDIS_USES: Readonly<Record<KubernetesBackend['name'], readonly WorldConfig[]>> = {
  'k8s-rabbitmq': [
    { storage: 'redis', monitoring: 'rabbitmq' },
    { storage: 's3', monitoring: 'redis' },
    { storage: 'redis', monitoring: 'redis' },
  ],
  // Its status comes through the master.
  k8s: [{ storage: 'redis', monitoring: 'storage' }],
};

let cluster: Cluster;
let world: World;
beforeAll(async () => {
  cluster = await startCluster();
});
afterEach(() => world[Symbol.asyncDispose]());

/** Two workers that are both at work. */
async function startJob(calls: number, config: WorldConfig = {}): Promise<WatchedJob> {
  const watched = new WatchedJob(world.executor(config), { calls, ms: 200, name: 'faulted' });
  await watched.untilEnded(8);
  await expect.poll(() => new Set(watched.job.records().map(({ workerId }) => workerId)).size, PATIENCE).toBe(2);
  return watched;
}

/** A pod that runs calls of the job. */
async function podOf({ job }: WatchedJob): Promise<V1Pod> {
  const workers = workersOf(job);
  const pod = (await world.runningPods()).find(({ metadata }) => workers.has(metadata?.name ?? ''));
  if (pod === undefined) throw new Error('no worker runs');
  return pod;
}

const workersOf = (job: Job<unknown>): ReadonlySet<string> => new Set(job.records().map(({ workerId }) => workerId));

const kill = (pid: number | undefined): void => {
  if (pid === undefined) throw new Error('the pod has no such process');
  process.kill(pid, 'SIGKILL');
};

async function away(service: 'rabbitmq' | 'redis', ms: number): Promise<void> {
  await stopService(service);
  try {
    await pause(ms);
  } finally {
    await restartService(service);
  }
}

const SPREAD = { 'example.org/spread': 'true' };
const antiAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: [
    {
      labelSelector: { matchLabels: { ...SPREAD, 'splitrock.dev/component': 'worker' } },
      topologyKey: 'kubernetes.io/hostname',
    },
  ],
};

describe.each(KUBERNETES_BACKENDS)('on $name', (backend) => {
  beforeEach(async () => {
    world = await World.create(backend);
  });

  describe.skipIf(!surroundings.canBreak)('workers', () => {
    it('lose a slot process: its call runs again', async () => {
      const watched = await startJob(120);
      kill(slotProcesses(await podOf(watched))[0]?.pid);
      expect(await watched.wrongs()).toEqual([]);
      expect(watched.job.progress.retries).toBeGreaterThanOrEqual(1);
    });

    it('die with their main process: their calls run elsewhere, and another pod comes', async () => {
      const watched = await startJob(300);
      const before = workersOf(watched.job);
      kill(mainProcess(await podOf(watched))?.pid);
      expect(await watched.wrongs()).toEqual([]);
      expect([...workersOf(watched.job)].filter((name) => !before.has(name))).not.toEqual([]);
    });

    it('are deleted by force', async () => {
      const watched = await startJob(200);
      const { metadata } = await podOf(watched);
      await core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace: world.namespace, gracePeriodSeconds: 0 });
      expect(await watched.wrongs()).toEqual([]);
    });

    it('are deleted in order, and finish or give back what they have', async () => {
      const watched = await startJob(200);
      const { metadata } = await podOf(watched);
      await core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace: world.namespace });
      expect(await watched.wrongs()).toEqual([]);
      expect(watched.job.progress.retries).toBe(0);
    });

    // Of the classic backend, the master may go with it.
    it('vanish with their node', { timeout: 240_000 }, async () => {
      // One a node: the job goes on with the other.
      const watched = await startJob(400, { pods: { labels: SPREAD, affinity: { podAntiAffinity: antiAffinity } } });
      const node = (await podOf(watched)).spec?.nodeName ?? '';
      await cluster.killNode(node);
      try {
        expect(await watched.wrongs()).toEqual([]);
      } finally {
        await cluster.startNode(node);
      }
    });
  });

  describe.skipIf(!surroundings.canBreak)('the API server', () => {
    it('is away for 20 s, while a worker dies: the others go on, and another comes when it is back', async () => {
      const watched = await startJob(700);
      const before = workersOf(watched.job);
      const victim = mainProcess(await podOf(watched))?.pid;
      await cluster.stopApi();
      try {
        kill(victim);
        await pause(OUTAGE_MS);
      } finally {
        await cluster.startApi();
      }
      const { ended } = watched;
      expect(await watched.wrongs()).toEqual([]);
      expect(ended).toBeLessThan(700);
      expect([...workersOf(watched.job)].filter((name) => !before.has(name))).not.toEqual([]);
      expect(watched.diagnoses).toContainEqual(expect.objectContaining({ code: 'KUBE_UNREACHABLE', severity: 'info' }));
    });
  });

  describe.skipIf(!surroundings.ownServices)('services', () => {
    it.skipIf(lacks(backend, 'a broker'))('the broker is away for 20 s, and with it the status', async () => {
      const watched = await startJob(300);
      await away('rabbitmq', OUTAGE_MS);
      const { ended } = watched;
      expect(await watched.wrongs()).toEqual([]);
      expect(ended).toBeLessThan(300);
      const told = watched.diagnoses.filter(({ code }) => code === 'BROKER_UNREACHABLE');
      expect(told.map(({ severity }) => severity)).toEqual(['warning', 'info']);
    });

    it.each(REDIS_USES[backend.name])(
      'Redis is restarted, with storage $storage and monitoring $monitoring',
      async (config) => {
        const watched = await startJob(200, config);
        await away('redis', 3_000);
        const { ended } = watched;
        expect(await watched.wrongs()).toEqual([]);
        expect(ended).toBeLessThan(200);
      },
    );
  });

  describe('the client', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'splitrock-e2e-client-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it('is killed, and another attaches: it sees every outcome once, and none that differs', async () => {
      const config = world.config();
      const start = (...args: readonly string[]): Promise<ClientProcess> =>
        ClientProcess.start(join(folder, 'splitrock.config.json'), config, args);
      const first = await start('start', '200', '200');
      await first.untilEnded(20);
      await first.kill();
      const second = await start('attach', first.jobId ?? '');
      await second.untilEnded(40);
      await second.kill();
      const third = await start('attach', first.jobId ?? '');
      await third.finished();
      expect(third.outcomes.toSorted((a, b) => a.callId - b.callId)).toEqual(
        Array.from({ length: 200 }, (_, callId) => ({ callId, value: valueOf(callId) })),
      );
      for (const { callId, value } of [...first.outcomes, ...second.outcomes]) expect(value).toBe(valueOf(callId));
    });
  });
});
