/** How workers come, are shared and go: all CPUs used, nobody hindered, none left. */
import { randomBytes } from 'node:crypto';
import { startCluster } from '@splitrock/cluster';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FunctionExecutor, Job } from 'splitrock';
import { KUBERNETES_BACKENDS, lacks } from './src/kubernetes-backends.ts';
import { core, surroundings } from './src/surroundings.ts';
import { World } from './src/world.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };

let world: World;
afterEach(() => world[Symbol.asyncDispose]());

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const PER_NODE = {
  sizing: { kind: 'per-node', cpuPerProcess: '1', memoryPerProcess: '512Mi' },
  slots: {},
  maxWorkers: 100,
};

/** Whole CPUs that the nodes advertise, by node. */
async function advertised(): Promise<Map<string, number>> {
  const { items } = await core.listNode();
  return new Map(items.map(({ metadata, status }) => [metadata?.name ?? '', Number(status?.allocatable?.['cpu'])]));
}

/** Names of pods of other suites that may still hold CPUs: what is deleted does so until it is gone. */
async function others(): Promise<readonly string[]> {
  const { items } = await core.listPodForAllNamespaces();
  const live = items.filter(({ status }) => status?.phase === 'Pending' || status?.phase === 'Running');
  return live.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
}

/** Calls that go on until {@link letGo}: as many run at once as there are slots. */
const hold = (executor: FunctionExecutor, calls: number): Job<number> =>
  executor.map(async (n: number, { storage, jobId }) => {
    while ((await storage.head(`go/${jobId}`)) === undefined)
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    return n;
  }, range(calls));

const letGo = (executor: FunctionExecutor, { id }: Job<number>): Promise<unknown> =>
  executor.storage.put(`go/${id}`, '');

/** Slots of the running workers, by node. */
async function slotsByNode(): Promise<Record<string, number>> {
  const pods = await world.runningPods();
  return Object.fromEntries(
    pods.map(({ spec, metadata }) => [spec?.nodeName, Number(metadata?.annotations?.['splitrock.dev/slots'])]),
  );
}

const nap = async (ms: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};
const fill = (count: number, ms: number): number[] => range(count).map(() => ms);

describe.each(KUBERNETES_BACKENDS)('on $name', (backend) => {
  beforeEach(async () => {
    world = await World.create(backend);
  });

  describe.skipIf(!surroundings.canBreak)('workers sized to their nodes', () => {
    let cpus: ReadonlyMap<string, number>;
    /** All there are, but for what this backend's own pods take. */
    let slots: number;
    beforeEach(async () => {
      await expect.poll(others, PATIENCE).toEqual([]);
      cpus = await advertised();
      slots = [...cpus.values()].reduce((sum, each) => sum + each, -backend.takenCpus);
    });

    it('use every CPU of nodes that differ, with one worker on each', async () => {
      const executor = world.executor({ pods: PER_NODE });
      const job = hold(executor, slots);
      await expect.poll(() => job.progress.running, PATIENCE).toBe(slots);
      const used = await slotsByNode();
      const unused = [...cpus].map(([node, all]) => all - (used[node] ?? 0)).filter((left) => left !== 0);
      expect(unused).toEqual(backend.takenCpus === 0 ? [] : [backend.takenCpus]);
      expect(await world.pods()).toHaveLength(cpus.size);
      await letGo(executor, job);
      expect(await job).toEqual(range(slots));
    });

    it('come to a node that joins during the job', async () => {
      const cluster = await startCluster();
      const joined = `joined-${randomBytes(3).toString('hex')}`;
      // Three more than there are slots for, before the node is there.
      const executor = world.executor({ pods: PER_NODE });
      const job = hold(executor, slots + 3);
      await expect.poll(() => job.progress.running, PATIENCE).toBe(slots);
      await cluster.startNode({ name: joined, cpu: '3', memory: '4Gi' });
      try {
        await expect.poll(() => job.progress.running, PATIENCE).toBe(slots + 3);
        // What the nodes tell of pods comes later than what these tell of calls.
        await expect.poll(async () => (await slotsByNode())[joined], PATIENCE).toBe(3);
        await letGo(executor, job);
        expect(await job).toEqual(range(slots + 3));
      } finally {
        await cluster.killNode(joined);
        await core.deleteNode({ name: joined });
      }
    });
  });

  describe.skipIf(lacks(backend, 'kept workers'))('workers that have nothing to do', () => {
    it('leave, are removed, and come back for the next job', async () => {
      const executor = world.executor({ pods: { idleTimeoutSeconds: 2 } });
      expect(await executor.map((n: number) => n, range(8))).toEqual(range(8));
      const first = await world.pods();
      expect(first.length).toBeGreaterThan(0);
      await expect.poll(() => world.pods(), PATIENCE).toEqual([]);
      expect(await executor.map((n: number) => -n, [1, 2])).toEqual([-1, -2]);
    });
  });

  describe('a small job', () => {
    it('behind 10,000 calls of another client begins at once, and ends long before them', async () => {
      const huge = world.executor().map(nap, fill(10_000, 20), { name: 'huge' });
      await expect.poll(() => huge.progress.settled, PATIENCE).toBeGreaterThan(20);
      const small = world.executor().map(nap, fill(10, 5), { name: 'small' });
      let settledAtStart: number | undefined;
      small.on('call:finish:success', () => (settledAtStart ??= huge.progress.settled));
      const settledBefore = huge.progress.settled;
      expect(await small).toEqual(fill(10, 5));
      expect(huge.progress.settled).toBeLessThan(2_000);
      if (!lacks(backend, 'kept workers')) {
        // What the four slots held when it came, and no more than a few rounds of it.
        expect((settledAtStart ?? Infinity) - settledBefore).toBeLessThan(500);
        const workers = new Set(huge.records().map(({ workerId }) => workerId));
        expect(small.records().every(({ workerId }) => workers.has(workerId))).toBe(true);
      }
      await huge.cancel();
    });
  });

  describe('two tenants', () => {
    it('work at once on workers of their own, and what one removes is not the other’s', async () => {
      const [one, other] = ['one', 'other'].map((name) => world.executor({ tenant: `${world.tenant}-${name}` }));
      if (one === undefined || other === undefined) throw new Error('both are there');
      const first = one.map(nap, fill(40, 100));
      const second = other.map(nap, fill(300, 100));
      expect(await first).toEqual(fill(40, 100));
      expect(second.progress.settled).toBeLessThan(300);
      await one.clean();
      await one.dispose();
      expect(await second).toEqual(fill(300, 100));
      const workersOf = (job: Job<unknown>): Set<string> => new Set(job.records().map(({ workerId }) => workerId));
      expect([...workersOf(first)].filter((worker) => workersOf(second).has(worker))).toEqual([]);
      const pods = await world.pods();
      const tenants = new Set(pods.map(({ metadata }) => metadata?.labels?.['splitrock.dev/tenant']));
      expect(tenants).toEqual(new Set([`${world.tenant}-one`, `${world.tenant}-other`]));
      expect(second.progress).toMatchObject({ failed: 0, retries: 0 });
    });
  });
});
