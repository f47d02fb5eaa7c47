/** What goes wrong in a cluster: masters, workers, nodes and the API come and go, and every call ends once. */
import { readdirSync } from 'node:fs';
import { ExecutorFixture } from '@splitrock/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { NAMESPACE, makePodsHarness, type PodsHarness, type PodsHarnessOptions } from '../test/pods-harness.ts';

const DEADLINE_MS = 60_000;

const pause = async (ms: number): Promise<string> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return `paused ${ms}`;
};
const fill = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

let harness: PodsHarness;
let executor: ExecutorFixture;

async function start(options: PodsHarnessOptions = {}): Promise<void> {
  harness = await makePodsHarness(options);
  executor = await ExecutorFixture.start(harness, DEADLINE_MS);
}

const startedWorkers = (): readonly string[] =>
  executor.workers.flatMap(({ change, workerId }) => (change === 'started' ? [workerId] : []));

/** Kills a pod's processes, as nobody announces. */
function kill(name: string | undefined): void {
  const pids = harness.kubernetes.processesOf({ namespace: NAMESPACE, name: name ?? '' });
  expect(pids.length, `processes of ${name}`).toBeGreaterThan(0);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

const expectEventually = async (look: () => unknown, expected: unknown): Promise<void> => {
  await expect.poll(look, { timeout: DEADLINE_MS, interval: 50 }).toEqual(expected);
};

describe('calls on a cluster', { timeout: 4 * DEADLINE_MS }, () => {
  afterEach(async () => {
    await executor.close();
    await harness.close();
  }, 2 * DEADLINE_MS);

  it('survive a master that is killed twice: each has one outcome, and its client hears of all', async () => {
    await start({ options: { maxWorkers: 2 } });
    const job = await executor.job({ fn: pause, inputs: fill(150, 100) });
    await job.submit({ inputs: 'inline' });
    for (const share of [20, 70]) {
      await job.until(() => job.endedCount > share, `${share} calls ended`);
      kill(harness.pods('master')[0]);
    }
    await job.ended();
    await job.until(() => job.unheard().length === 0, 'every call was heard of');
    expect(await job.values()).toEqual(fill(150, 'paused 100'));
  });

  it('of a worker that is killed run elsewhere, without any being reported lost', async () => {
    await start({ options: { maxWorkers: 2 } });
    const job = await executor.job({ fn: pause, inputs: fill(60, 100) });
    await job.submit();
    await job.until(() => job.endedCount > 3 && startedWorkers().length === 2, 'both workers work');
    kill(startedWorkers()[0]);
    await job.ended();
    expect(await job.values()).toEqual(fill(60, 'paused 100'));
    expect(job.lostCalls()).toEqual([]);
    await executor.until(() => executor.workers.some(({ change }) => change === 'lost'), 'the loss was told');
  });

  it('of a pod that is evicted run elsewhere, and the pod is replaced', async () => {
    await start({ options: { maxWorkers: 1 } });
    const job = await executor.job({ fn: pause, inputs: fill(30, 100) });
    await job.submit();
    await job.until(() => job.endedCount > 3 && startedWorkers().length > 0, 'the job is under way');
    harness.kubernetes.evict({ namespace: NAMESPACE, name: startedWorkers()[0] ?? '' });
    await job.ended();
    expect(await job.values()).toEqual(fill(30, 'paused 100'));
    expect(new Set(startedWorkers()).size).toBeGreaterThan(1);
    const lost = executor.workers.find(({ change }) => change === 'lost');
    expect(lost?.reason?.kind).toBe('evicted');
    expect(executor.diagnoses.map(({ code }) => code)).toContain('WORKER_EVICTED');
  });

  it('of a node that loses its power run on the others', async () => {
    const nodes = ['node-a', 'node-b'].map((name) => ({ name, cpu: '4', memory: '8Gi' }));
    // As big as a node, but for the master.
    await start({
      nodes,
      options: {
        maxWorkers: 2,
        leaseSeconds: 3,
        sizing: { kind: 'fixed', cpu: '3500m', memory: '512Mi' },
        slots: { workerProcesses: 2 },
      },
    });
    const job = await executor.job({ fn: pause, inputs: fill(80, 100) });
    await job.submit();
    await job.until(() => job.endedCount > 3 && startedWorkers().length === 2, 'both workers work');
    const master = harness.kubernetes.get('pods', { namespace: NAMESPACE, name: harness.pods('master')[0] ?? '' });
    const lost = nodes.map(({ name }) => name).find((name) => name !== master?.spec.nodeName) ?? '';
    await harness.kubernetes.killNode(lost);
    await job.ended();
    expect(await job.values()).toEqual(fill(80, 'paused 100'));
    expect(job.lostCalls()).toEqual([]);
    // A pod on a node that is away cannot be removed.
    harness.kubernetes.startNode(lost);
  });

  it('fill their nodes with workers as large as the master leaves room for', async () => {
    await start({
      nodes: ['4', '2'].map((cpu, index) => ({ name: `node-${index}`, cpu, memory: '8Gi' })),
      options: {
        maxWorkers: 10,
        sizing: { kind: 'per-node', cpuPerProcess: '1', memoryPerProcess: '256Mi' },
        slots: {},
      },
    });
    const job = await executor.job({ fn: pause, inputs: fill(150, 100) });
    await job.submit();
    await job.until(() => startedWorkers().length === 2, 'both workers work');
    await job.ended();
    const slots = executor.workers.flatMap((change) => (change.change === 'started' ? [change.slots ?? 0] : []));
    expect(slots.reduce((sum, each) => sum + each, 0)).toBe(5);
  });

  it('go on while the API is away, and their client catches up', async () => {
    await start({ options: { maxWorkers: 2 } });
    const job = await executor.job({ fn: pause, inputs: fill(60, 100) });
    await job.submit();
    await job.until(() => job.endedCount > 3 && startedWorkers().length === 2, 'the job is under way');
    await harness.kubernetes.stopApi();
    await job.ended();
    expect(job.unheard().length).toBeGreaterThan(0);
    await harness.kubernetes.startApi();
    await job.until(() => job.unheard().length === 0, 'every call was heard of');
    expect(await job.values()).toEqual(fill(60, 'paused 100'));
    expect(job.lostCalls()).toEqual([]);
  });

  it('that kill their worker every time are reported lost, and their siblings finish', async () => {
    await start({ options: { maxDeaths: 2, slots: { kind: 'thread', workerProcesses: 2 } } });
    const poison = async (item: number): Promise<number> => {
      if (item === 3) process.kill(process.pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return item;
    };
    const inputs = Array.from({ length: 8 }, (_, index) => index);
    const job = await executor.job({ fn: poison, inputs, run: { chunkSize: 1 } });
    await job.submit({ inputs: 'inline' });
    await job.ended();
    expect(job.lost(3)?.reason.message).toContain('2 workers ended while they held it');
    const bystanders = job.lostCalls().filter((callId) => callId !== 3);
    for (const callId of bystanders) await job.submit({ calls: { from: callId, to: callId + 1 }, attempt: 2 });
    await job.ended();
    const values = await Promise.all(
      inputs.filter((item) => item !== 3).map((callId) => job.value(callId, bystanders.includes(callId) ? 2 : 1)),
    );
    expect(values).toEqual(inputs.filter((item) => item !== 3));
  });

  it('of a client that is gone are finished, and another takes them over', async () => {
    await start({ options: { maxWorkers: 2 } });
    const job = await executor.job({ fn: pause, inputs: fill(300, 100) });
    await job.submit();
    await job.until(() => job.endedCount > 3, 'the job is under way');
    const other = await ExecutorFixture.start(harness, DEADLINE_MS);
    const outstanding = await other.backend.outstanding?.(job.job);
    expect(outstanding?.at(-1)?.to).toBe(300);
    await job.ended();
    await other.backend.clean({ job: job.job });
    expect(await job.values()).toEqual(fill(300, 'paused 100'));
    const recordsOfClient = async (): Promise<readonly string[]> => {
      const keys: string[] = [];
      for await (const { key } of other.storage.list('backends/')) keys.push(key);
      return keys.filter((key) => key.endsWith(`/clients/${executor.executorId}`));
    };
    expect(await recordsOfClient()).toHaveLength(1);
    await other.backend.clean({ executorId: executor.executorId });
    expect(await recordsOfClient()).toEqual([]);
    await other.close();
  });

  it('of a hundred thousand make nothing grow: no object, argument or variable', async () => {
    await start({ options: { slots: { workerProcesses: 2, callsPerProcess: 50 } } });
    const small = await executor.job({ fn: pause, inputs: fill(2, 0) });
    await small.submit();
    const big = await executor.job({ fn: pause, inputs: fill(100_000, 0) });
    await big.submit();
    await big.until(() => big.started.size > 0 && small.endedCount === 2, 'both began');
    const sizes = (jobNumber: number): number[] => {
      const id = `${executor.executorId}-${jobNumber}`;
      return (['jobs', 'pods', 'secrets'] as const).map((resource) => {
        const own = harness.kubernetes
          .list(resource, NAMESPACE)
          .filter(({ metadata }) => metadata.labels?.['splitrock.dev/job'] === id);
        expect(own).toHaveLength(1);
        return JSON.stringify({ ...own[0], status: undefined }).length;
      });
    };
    const ofSmall = sizes(small.job.jobNumber);
    for (const [index, size] of sizes(big.job.jobNumber).entries()) {
      expect(Math.abs(size - (ofSmall[index] ?? 0))).toBeLessThan(20);
    }
    const entries = readdirSync(harness.storageDirectory, { recursive: true, encoding: 'utf8' });
    const log = entries.filter((name) => /backends.*log.*-[0-9]{6}$/.test(name));
    expect(log.length).toBeGreaterThan(0);
    expect(log.length).toBeLessThan(10);
    await executor.backend.cancel(big.job);
  });

  it('leave nothing when all is over: no pod, no secret, no record, and in the end no master', async () => {
    await start({ options: { master: { idleSeconds: 2 }, keepJobsSeconds: 1 } });
    const job = await executor.job({ fn: pause, inputs: fill(4, 10) });
    await job.submit();
    await job.ended();
    await executor.backend.endJob(job.job);
    await expectEventually(() => harness.leftovers?.(executor.executorId), []);
    await executor.backend.stop();
    const left = (): unknown[] =>
      (['pods', 'jobs', 'secrets'] as const).flatMap((resource) => harness.kubernetes.list(resource, NAMESPACE));
    await expectEventually(left, []);
    const records = readdirSync(harness.storageDirectory, { recursive: true, withFileTypes: true });
    expect(
      records.filter((entry) => entry.isFile() && entry.parentPath.includes('backends')).map(({ name }) => name),
    ).toEqual([]);
  });

  it('that cannot be scheduled are told of with the scheduler’s words', async () => {
    await start({ options: { sizing: { kind: 'fixed', cpu: '500', memory: '1Gi' } } });
    const job = await executor.job({ fn: pause, inputs: [1] });
    await job.submit();
    await executor.until(() => executor.diagnoses.some(({ code }) => code === 'POOL_UNSCHEDULABLE'), 'it was told');
    expect(executor.diagnoses.find(({ code }) => code === 'POOL_UNSCHEDULABLE')?.message).toContain('Insufficient cpu');
  });

  it('whose pods a quota refuses are told of with the quota’s name', async () => {
    await start();
    const body = { metadata: { name: 'small' }, spec: { hard: { 'requests.cpu': '50m' } } };
    await harness.createQuota(body);
    const job = await executor.job({ fn: pause, inputs: [1] });
    await job.submit();
    await executor.until(() => executor.diagnoses.some(({ code }) => code === 'POOL_QUOTA_EXCEEDED'), 'it was told');
    expect(executor.diagnoses.find(({ code }) => code === 'POOL_QUOTA_EXCEEDED')?.message).toContain('small');
  });
});
