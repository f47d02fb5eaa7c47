import { afterEach, describe, expect, it } from 'vitest';
import {
  codes,
  demand,
  expectEventually,
  kubernetes,
  pods,
  running,
  startCluster,
  startPool,
  stopAll,
} from '../../test/pool-on-cluster.ts';

afterEach(stopAll);

describe('a pool without workers tells why within ten seconds', () => {
  const privileged = [{ name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } }];
  it.each<[string, object, () => void, string, RegExp]>([
    [
      'nothing has room',
      { sizing: { kind: 'fixed', cpu: '100' } },
      () => {},
      'error POOL_UNSCHEDULABLE',
      /2 Insufficient cpu.*asks for 100 CPU/,
    ],
    [
      'no node has room for one process',
      { sizing: { kind: 'per-node', cpuPerProcess: '64' } },
      () => {},
      'error POOL_NO_ROOM',
      /node-a has 8 CPU and 16Gi/,
    ],
    [
      'the image is not there',
      { image: 'broken' },
      () => {},
      'error IMAGE_PULL_FAILED',
      /manifest for broken not found/,
    ],
    ['the image’s name is none', { image: 'NOT A NAME' }, () => {}, 'error IMAGE_NAME_INVALID', /NOT A NAME/],
    [
      'workers crash at once',
      { image: 'crash' },
      () => {},
      'error WORKER_START_FAILED',
      /its bootstrap or a plugin.*3 times in a row/,
    ],
    [
      'a mounted secret is missing',
      { volumes: [{ mountPath: '/x', secret: 'missing' }] },
      () => {},
      'error WORKER_VOLUME_FAILED',
      /missing/,
    ],
    [
      'the variables’ secret is missing',
      { envFromSecrets: ['missing'] },
      () => {},
      'error WORKER_VOLUME_FAILED',
      /missing/,
    ],
    ['there is no such namespace', { namespace: 'nowhere' }, () => {}, 'error KUBE_NAMESPACE_MISSING', /nowhere/],
    [
      'permissions are missing',
      {},
      () => void kubernetes.faults.deny({ verb: 'create', resource: 'pods' }),
      'error KUBE_FORBIDDEN',
      /splitrock k8s rbac/,
    ],
    [
      'it may not even look',
      {},
      () => void kubernetes.faults.deny({ verb: ['list', 'watch'], resource: 'pods' }),
      'error KUBE_FORBIDDEN',
      /watch worker pods/,
    ],
    [
      'a quota is full',
      {},
      () =>
        void kubernetes.faults.fail(
          403,
          { verb: 'create', resource: 'pods' },
          {
            times: 100,
            message: 'pods "x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2',
          },
        ),
      'error POOL_QUOTA_EXCEEDED',
      /used: pods=2/,
    ],
    [
      'a policy refuses',
      {},
      () =>
        void kubernetes.faults.fail(
          403,
          { verb: 'create', resource: 'pods' },
          { times: 100, message: 'pods "x" is forbidden: violates PodSecurity "restricted:latest": seLinuxOptions' },
        ),
      'error POD_SECURITY_REFUSED',
      /seLinuxOptions/,
    ],
  ])('%s', async (_name, given, harm, told, words) => {
    await startCluster({ namespaces: privileged });
    harm();
    const under = await startPool(given);
    demand(under, 1);
    await expectEventually(() => codes(under), expect.arrayContaining([told]));
    const event = under.diagnoses.find(({ severity, code }) => `${severity} ${code}` === told);
    expect(event?.message).toMatch(words);
    expect(JSON.stringify(under.diagnoses)).not.toContain('very-secret');
  });

  it('with the last lines of a worker that crashed', async () => {
    await startCluster();
    const under = await startPool({ image: 'crash' });
    demand(under, 1);
    await expectEventually(() => codes(under), expect.arrayContaining(['error WORKER_START_FAILED']));
    expect(under.diagnoses.at(-1)?.details).toMatchObject({
      exitCode: 78,
      log: expect.stringContaining('no such plugin'),
    });
  });

  it('that the API is not there when it starts', async () => {
    await startCluster();
    await kubernetes.stopApi();
    const under = await startPool();
    demand(under, 1);
    await expectEventually(() => codes(under), expect.arrayContaining(['error KUBE_UNREACHABLE']));
    await kubernetes.startApi();
    await expectEventually(() => running().length, 1);
  });

  it('in a namespace that enforces "restricted", workers run', async () => {
    await startCluster({ namespaces: privileged });
    const under = await startPool({ namespace: 'strict' });
    demand(under, 1);
    await expectEventually(() => pods('strict').map(({ status }) => status?.phase), ['Running']);
    expect(under.diagnoses).toEqual([]);
  });
});
