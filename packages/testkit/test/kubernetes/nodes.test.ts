import { setTimeout as realTime } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/index.ts';
import { IDLE_IMAGE, startSimulatedKubernetes, type SimulatedKubernetes } from '../../src/kubernetes/index.ts';
import { connect, podOf, type Clients } from './connect.ts';

const namespace = 'default';

let clock: ManualClock;
let kubernetes: SimulatedKubernetes;
let clients: Clients;

beforeEach(async () => {
  clock = new ManualClock();
  kubernetes = await startSimulatedKubernetes({
    nodes: [
      { name: 'node-a', cpu: '4' },
      { name: 'node-b', cpu: '2', labels: { zone: 'b' } },
    ],
    images: {
      idle: IDLE_IMAGE,
      sleeper: { kind: 'process', entrypoint: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] },
    },
    clock,
  });
  clients = connect(kubernetes);
});
afterEach(() => kubernetes.stop());

const onNode = (name: string): Partial<V1Pod['spec']> => ({ nodeSelector: { 'kubernetes.io/hostname': name } });
const create = (pod: V1Pod): Promise<V1Pod> => clients.core.createNamespacedPod({ namespace, body: pod });
const phaseOf = (name: string): string | undefined => kubernetes.get('pods', { namespace, name })?.status.phase;
async function running(name: string): Promise<void> {
  await expect.poll(() => phaseOf(name)).toBe('Running');
}
const readiness = (name: string): string | undefined =>
  kubernetes.get('nodes', { name })?.status.conditions?.find(({ type }) => type === 'Ready')?.status;
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a node that loses its power', () => {
  it('takes its processes along, is noticed after the grace period, and keeps its pods until it is back', async () => {
    await create(podOf('lost', 'sleeper', onNode('node-b')));
    await running('lost');
    const [pid = 0] = kubernetes.processesOf({ name: 'lost' });
    expect(isAlive(pid)).toBe(true);
    await kubernetes.killNode('node-b');
    expect(isAlive(pid)).toBe(false);
    expect([phaseOf('lost'), readiness('node-b')]).toEqual(['Running', 'True']);
    await clock.advance(40_000);
    expect(readiness('node-b')).toBe('Unknown');
    expect(kubernetes.get('nodes', { name: 'node-b' })?.spec.taints).toMatchObject([
      { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
    ]);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await clock.advance(300_000);
    const marked = kubernetes.get('pods', { namespace, name: 'lost' });
    expect(marked?.metadata.deletionTimestamp).toBeDefined();
    expect(marked?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True' }),
    );
    kubernetes.startNode('node-b');
    await expect.poll(() => phaseOf('lost')).toBeUndefined();
    expect(readiness('node-b')).toBe('True');
    expect(kubernetes.get('nodes', { name: 'node-b' })?.spec.taints).toBeUndefined();
  });

  it('finds its pods dead when it comes back early', async () => {
    await create(podOf('dead', 'idle', onNode('node-b')));
    await running('dead');
    await kubernetes.killNode('node-b');
    kubernetes.startNode('node-b');
    expect(kubernetes.get('pods', { namespace, name: 'dead' })?.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 255, reason: 'Unknown' } } }],
    });
  });

  it('refuses to show the logs of its pods', async () => {
    await create(podOf('silent', 'idle', onNode('node-b')));
    await running('silent');
    await kubernetes.killNode('node-b');
    const log = clients.core.readNamespacedPodLog({ namespace, name: 'silent' });
    await expect(log).rejects.toMatchObject({ code: 500, body: expect.stringContaining('connection refused') });
  });

  it('gets no pods any more', async () => {
    await kubernetes.killNode('node-b');
    await clock.advance(40_000);
    await create(podOf('homeless', 'idle', onNode('node-b')));
    await expect
      .poll(() => kubernetes.get('pods', { namespace, name: 'homeless' })?.status.conditions?.[0]?.message)
      .toBe(
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
      );
  });
});

describe('a node that leaves the cluster', () => {
  it('takes its pods out of the API a little later', async () => {
    await create(podOf('orphan', 'idle', onNode('node-b')));
    await running('orphan');
    await kubernetes.removeNode('node-b');
    expect(kubernetes.get('nodes', { name: 'node-b' })).toBeUndefined();
    expect(phaseOf('orphan')).toBe('Running');
    await clock.advance(40_000);
    expect(phaseOf('orphan')).toBeUndefined();
    kubernetes.startNode('node-b');
    expect(readiness('node-b')).toBe('True');
  });
});

describe('a node that joins', () => {
  it('runs what waited for it', async () => {
    await create(
      podOf(
        'patient',
        'idle',
        { nodeSelector: { pool: 'gpu' } },
        { resources: { limits: { 'example.com/gpu': '1' } } },
      ),
    );
    await expect
      .poll(() => kubernetes.get('pods', { namespace, name: 'patient' })?.status.conditions?.[0]?.reason)
      .toBe('Unschedulable');
    kubernetes.addNode({ name: 'node-c', labels: { pool: 'gpu' }, resources: { 'example.com/gpu': '2' } });
    await running('patient');
    expect(kubernetes.get('pods', { namespace, name: 'patient' })?.spec.nodeName).toBe('node-c');
  });
});

describe('a taint', () => {
  it('keeps away, and drives out, who does not tolerate it', async () => {
    const tolerations = [{ key: 'maintenance', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }];
    await create(podOf('fragile', 'idle', onNode('node-b')));
    await create(podOf('tolerant', 'idle', { ...onNode('node-b'), tolerations }));
    await running('fragile');
    await running('tolerant');
    const taints = [{ key: 'maintenance', effect: 'NoExecute' }];
    const node = await clients.core.readNode({ name: 'node-b' });
    if (node.spec !== undefined) node.spec.taints = taints;
    await clients.core.replaceNode({ name: 'node-b', body: node });
    await expect.poll(() => clock.pendingTimers).toBeGreaterThan(0);
    await clock.advance(0);
    await expect.poll(() => phaseOf('fragile')).toBeUndefined();
    expect(phaseOf('tolerant')).toBe('Running');
    await clock.advance(60_000);
    await expect.poll(() => phaseOf('tolerant')).toBeUndefined();
  });
});

describe('the kernel and the kubelet', () => {
  it('end a container for want of memory', async () => {
    await create(podOf('greedy', 'sleeper'));
    await running('greedy');
    kubernetes.killForMemory({ name: 'greedy' });
    await expect.poll(() => phaseOf('greedy')).toBe('Failed');
    expect(kubernetes.get('pods', { namespace, name: 'greedy' })?.status.containerStatuses?.[0]?.state).toMatchObject({
      terminated: { exitCode: 137, reason: 'OOMKilled' },
    });
  });

  it('evict a pod of a node that runs short', async () => {
    await create(podOf('unlucky', 'idle'));
    await running('unlucky');
    kubernetes.evict({ name: 'unlucky' });
    await expect.poll(() => phaseOf('unlucky')).toBe('Failed');
    const { status } = kubernetes.get('pods', { namespace, name: 'unlucky' }) ?? {};
    expect(status).toMatchObject({
      reason: 'Evicted',
      message: expect.stringContaining('The node was low on resource: memory'),
    });
  });

  it('kill what ignores SIGTERM by the clock of the cluster', async () => {
    kubernetes.addImage('stubborn', { kind: 'scripted', run: { ignoresSigterm: true } });
    await create(podOf('stubborn', 'stubborn', { terminationGracePeriodSeconds: 20 }));
    await running('stubborn');
    await clients.core.deleteNamespacedPod({ namespace, name: 'stubborn' });
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await clock.advance(19_999);
    expect(phaseOf('stubborn')).toBe('Running');
    await clock.advance(1);
    await expect.poll(() => phaseOf('stubborn')).toBeUndefined();
  });

  it('hold back what fails again and again', async () => {
    kubernetes.addImage('crashing', { kind: 'scripted', run: { runMs: 0, exitCode: 1 } });
    await create(podOf('crashing', 'crashing', { restartPolicy: 'Always' }));
    const status = () => kubernetes.get('pods', { namespace, name: 'crashing' })?.status.containerStatuses?.[0];
    await expect
      .poll(async () => {
        await clock.advance(0);
        return status()?.state.waiting?.reason;
      })
      .toBe('CrashLoopBackOff');
    expect(status()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1 } } });
    expect(status()?.state.waiting?.message).toMatch(
      /^back-off 10s restarting failed container=main pod=crashing_default/,
    );
    await clock.advance(10_000);
    await expect.poll(() => status()?.restartCount).toBe(2);
  });
});

describe('a pod that matters more', () => {
  it('takes the place of one that matters less', async () => {
    const { config } = clients;
    const headers = { authorization: `Bearer ${config.getCurrentUser()?.token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ metadata: { name: 'urgent' }, value: 1000 });
    await fetch(`${kubernetes.url}/apis/scheduling.k8s.io/v1/priorityclasses`, { method: 'POST', headers, body });
    const requests = { resources: { requests: { cpu: '2' } } };
    await create(podOf('common', 'idle', onNode('node-b'), requests));
    await running('common');
    await create(podOf('urgent', 'idle', { ...onNode('node-b'), priorityClassName: 'urgent' }, requests));
    await running('urgent');
    expect(phaseOf('common')).toBeUndefined();
    expect(kubernetes.list('events').map(({ reason }) => reason)).toContain('Preempted');
  });
});

it('runs many pods that are only scripts', async () => {
  kubernetes.addNode({ name: 'large', cpu: '1000', memory: '1000Gi', pods: 1_000, labels: { size: 'large' } });
  kubernetes.addImage('quick', { kind: 'scripted', run: { runMs: 1_000 } });
  const names = Array.from({ length: 120 }, (_, index) => `pod-${index}`);
  const countIn = (phase: string): number =>
    kubernetes.list('pods').filter(({ status }) => status.phase === phase).length;
  await Promise.all(names.map((name) => create(podOf(name, 'quick', { nodeSelector: { size: 'large' } }))));
  await expect.poll(() => countIn('Running'), { timeout: 15_000 }).toBe(names.length);
  await clock.advance(1_000);
  await expect.poll(() => countIn('Succeeded'), { timeout: 15_000 }).toBe(names.length);
});

it('leaves no process and no timer when it is stopped', async () => {
  await create(podOf('left', 'sleeper'));
  await running('left');
  const [pid = 0] = kubernetes.processesOf({ name: 'left' });
  await kubernetes.stop();
  await realTime(0);
  expect([isAlive(pid), clock.pendingTimers]).toEqual([false, 0]);
});
