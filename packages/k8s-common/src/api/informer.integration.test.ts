import { systemClock } from '@splitrock/core/plugin';
import { startSimulatedKubernetes, IDLE_IMAGE, type SimulatedKubernetes } from '@splitrock/testkit/kubernetes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Informer } from './informer.ts';
import { loadKubeAccess } from './kube-access.ts';
import { KubeClient, SECRETS } from './kube-client.ts';
import type { Secret } from './kube-objects.ts';

let kubernetes: SimulatedKubernetes;
let client: KubeClient;
let informer: Informer<Secret>;
let events: string[];
const namespace = 'default';
const labels = { watched: 'yes' };

beforeEach(async () => {
  kubernetes = await startSimulatedKubernetes({ nodes: [], images: { idle: IDLE_IMAGE } });
  client = new KubeClient(await loadKubeAccess({ kubeconfig: kubernetes.kubeconfigPath }));
  events = [];
  const selection = { namespace, labelSelector: 'watched=yes' };
  informer = new Informer({ client, clock: systemClock }, SECRETS, selection, {
    changed: () => {},
    removed: ({ metadata }) => void events.push(`removed ${metadata?.name}`),
    trouble: ({ status, reason }) => void events.push(`trouble ${status ?? reason}`),
    recovered: () => void events.push('recovered'),
  });
});
afterEach(async () => {
  await informer.stop();
  client.close();
  await kubernetes.stop();
});

const make = async (name: string, own: Record<string, string> = labels): Promise<unknown> =>
  client.create(SECRETS, { metadata: { name, namespace, labels: own } });
const drop = (name: string): Promise<unknown> => client.delete(SECRETS, { name, namespace });
const names = (): readonly string[] => informer.objects.map(({ metadata }) => metadata?.name ?? '').toSorted();
const expectNames = async (...expected: readonly string[]): Promise<void> => {
  await expect.poll(names, { timeout: 5_000, interval: 10 }).toEqual(expected);
};
const watches = (): number => kubernetes.requests.all.filter(({ verb }) => verb === 'watch').length;
const lists = (): number => kubernetes.requests.all.filter(({ verb }) => verb === 'list').length;
const watching = async (): Promise<void> => {
  await expect.poll(watches, { timeout: 5_000, interval: 10 }).toBeGreaterThan(0);
};

describe('an informer', () => {
  it('has what there is and follows what changes, of its selection alone', async () => {
    await make('first');
    await make('other', { watched: 'no' });
    informer.start();
    await expectNames('first');
    await make('second');
    await expectNames('first', 'second');
    await drop('first');
    await expectNames('second');
    expect(events).toEqual(['removed first']);
  });

  it.each([
    ['cut', () => kubernetes.faults.dropWatches()],
    ['ended', () => kubernetes.faults.endWatches()],
  ])('goes on where it was when a watch is %s', async (_name, harm) => {
    informer.start();
    await watching();
    await make('before');
    await expectNames('before');
    harm();
    await make('meanwhile');
    await drop('before');
    await expectNames('meanwhile');
    expect(events).toContain('removed before');
    expect(lists()).toBe(1);
  });

  it('begins anew when its version is forgotten, and tells what went meanwhile', async () => {
    informer.start();
    await make('before');
    await expectNames('before');
    await watching();
    kubernetes.faults.expireWatches();
    await drop('before');
    await make('after');
    await expectNames('after');
    expect(events).toEqual(['removed before']);
    expect(lists()).toBe(2);
  });

  it('tells once that the API is away, and when it is back', async () => {
    informer.start();
    await watching();
    await kubernetes.stopApi();
    await expect.poll(() => events[0], { timeout: 5_000 }).toMatch(/^trouble /);
    await kubernetes.startApi();
    await expect.poll(() => events.at(-1), { timeout: 10_000 }).toBe('recovered');
    await make('after');
    await expectNames('after');
    expect(events).toHaveLength(2);
  });

  it('tells that it may not look, and looks when it may', async () => {
    const fault = kubernetes.faults.deny({ resource: 'secrets', verb: 'list' });
    informer.start();
    await expect.poll(() => events).toEqual(['trouble 403']);
    fault.remove();
    await expect.poll(() => events.at(-1), { timeout: 5_000 }).toBe('recovered');
  });

  it('ends at once, in the middle of whatever it does', async () => {
    kubernetes.faults.delay(10_000, { resource: 'secrets' });
    informer.start();
    await informer.stop();
    expect(names()).toEqual([]);
  });
});
