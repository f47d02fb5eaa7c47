import { startSimulatedKubernetes, type SimulatedKubernetes } from '@splitrock/testkit/kubernetes';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { someOptions } from '../../test/kube-samples.ts';
import { checkClusterAccess } from './check-access.ts';

let kubernetes: SimulatedKubernetes;
beforeEach(async () => {
  kubernetes = await startSimulatedKubernetes({ nodes: [] });
});
afterEach(() => kubernetes.stop());

const check = (given: object = {}, jobs = false): ReturnType<typeof checkClusterAccess> =>
  checkClusterAccess({ ...someOptions({ kubeconfig: kubernetes.kubeconfigPath, ...given }), jobs });

it('says which cluster is meant, and that all is allowed', async () => {
  expect(await check({ namespace: 'work' })).toEqual({
    source: `context simulated of ${kubernetes.kubeconfigPath}`,
    server: kubernetes.url,
    namespace: 'work',
    missing: [],
  });
});

it('names everything that is missing, for the sizing that is asked for', async () => {
  kubernetes.faults.deny({ resource: 'secrets' });
  kubernetes.faults.deny({ resource: 'nodes' });
  expect((await check()).missing).toEqual([
    'create secrets in namespace default',
    'delete secrets in namespace default',
  ]);
  expect((await check({ sizing: { kind: 'per-node' } })).missing).toContain('watch nodes in the whole cluster');
});

it('asks for what the backend k8s needs, when it is meant', async () => {
  kubernetes.faults.deny({ resource: 'jobs', verb: 'create' });
  kubernetes.faults.deny({ resource: 'pods', subresource: 'proxy' });
  expect((await check()).missing).toEqual([]);
  expect((await check({}, true)).missing).toEqual([
    'create jobs in namespace default',
    'create pods/proxy in namespace default',
  ]);
});
