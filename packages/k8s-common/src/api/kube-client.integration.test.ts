import { startSimulatedKubernetes, IDLE_IMAGE, type SimulatedKubernetes } from '@splitrock/testkit/kubernetes';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { somePod } from '../../test/kube-samples.ts';
import { loadKubeAccess } from './kube-access.ts';
import { KubeClient, NODES, PODS, SECRETS } from './kube-client.ts';
import type { Pod } from './kube-objects.ts';

let kubernetes: SimulatedKubernetes;
let client: KubeClient;

beforeAll(async () => {
  kubernetes = await startSimulatedKubernetes({ nodes: [{ name: 'node-a', cpu: '64' }], images: { idle: IDLE_IMAGE } });
  client = new KubeClient(await loadKubeAccess({ kubeconfig: kubernetes.kubeconfigPath }), { retryForMs: 3_000 });
});
afterEach(() => kubernetes.faults.clear());
afterAll(async () => {
  client.close();
  await kubernetes.stop();
});

const namespace = 'default';
const idlePod = (name: string): Pod => {
  const pod = somePod(name);
  return {
    metadata: { name, namespace },
    spec: { containers: [{ ...pod.spec?.containers[0], name: 'c', image: 'idle' }] },
  };
};

describe('a Kubernetes client', () => {
  it('makes, lists and deletes objects, and says whether they were there', async () => {
    const made = await client.create(PODS, idlePod('one'));
    const { items } = await client.list(PODS, { namespace });
    expect(items.map(({ metadata }) => metadata?.name)).toContain('one');
    const [uid = ''] = [made.metadata?.uid];
    expect(await client.delete(PODS, { name: 'one', namespace, uid: 'of-another' })).toBe(false);
    expect(await client.delete(PODS, { name: 'one', namespace, uid })).toBe(true);
    expect(await client.delete(PODS, { name: 'nobody', namespace })).toBe(false);
    expect(await client.list(NODES, {})).toMatchObject({ items: [{ metadata: { name: 'node-a' } }] });
  });

  it('reads long lists in pages', async () => {
    const labels = { set: 'long' };
    const names = Array.from({ length: 1_100 }, (_, index) => `long-${index}`);
    const data = { key: 'AAAA' };
    for (let from = 0; from < names.length; from += 100) {
      const some = names.slice(from, from + 100);
      await Promise.all(some.map((name) => client.create(SECRETS, { metadata: { name, namespace, labels }, data })));
    }
    const { items } = await client.list(SECRETS, { namespace, labelSelector: 'set=long' });
    expect(items).toHaveLength(1_100);
  });

  it.each([429, 500, 504] as const)('tries again after %d', async (code) => {
    const fault = kubernetes.faults.fail(code, { resource: 'pods' }, { retryAfterSeconds: 1 });
    await client.list(PODS, { namespace });
    expect(fault.hits).toBe(1);
  });

  it('tries again when the connection breaks', async () => {
    const fault = kubernetes.faults.delay(300, { resource: 'pods' }, 1);
    const listed = client.list(PODS, { namespace });
    await expect.poll(() => fault.hits).toBe(1);
    kubernetes.faults.cutConnections();
    expect((await listed).resourceVersion).not.toBe('');
  });

  it('does not try again what is refused, and gives the API’s words', async () => {
    const fault = kubernetes.faults.deny({ resource: 'pods', verb: 'list' });
    const refused = client.list(PODS, { namespace });
    await expect(refused).rejects.toMatchObject({ code: 'KUBE_REQUEST_FAILED', status: 403, retryable: false });
    await expect(refused).rejects.toThrow('cannot list resource "pods"');
    expect(fault.hits).toBe(1);
  });

  it('gives up after a while, and says where nobody answers', async () => {
    const access = await loadKubeAccess({ kubeconfig: kubernetes.kubeconfigPath });
    const nowhere = new KubeClient({ ...access, server: new URL('http://127.0.0.1:1') }, { retryForMs: 300 });
    const refused = nowhere.list(PODS, { namespace });
    await expect(refused).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      reason: 'ECONNREFUSED',
      retryable: true,
    });
    await expect(refused).rejects.toThrow('127.0.0.1:1');
  });

  it('waits for an answer only so long, and ends when it is aborted', async () => {
    const access = await loadKubeAccess({ kubeconfig: kubernetes.kubeconfigPath });
    const hasty = new KubeClient(access, { timeoutMs: 50, retryForMs: 0 });
    kubernetes.faults.delay(5_000, { resource: 'pods' });
    await expect(hasty.list(PODS, { namespace })).rejects.toMatchObject({ reason: 'ETIMEDOUT' });
    const controller = new AbortController();
    const aborted = client.list(PODS, { namespace }, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    hasty.close();
  });

  it('asks what it may do', async () => {
    kubernetes.faults.deny({ resource: 'pods', verb: 'delete' });
    expect(await client.isAllowed({ verb: 'create', resource: 'pods', namespace })).toBe(true);
    expect(await client.isAllowed({ verb: 'delete', resource: 'pods', namespace })).toBe(false);
  });
});
