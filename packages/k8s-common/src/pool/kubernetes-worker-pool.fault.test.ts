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

describe('a pool on a cluster with trouble', () => {
  it('replaces workers that are killed, and tells why each was lost', async () => {
    await startCluster();
    const under = await startPool();
    demand(under, 2);
    await expectEventually(() => running().length, 2);
    const [first = '', second = ''] = running();
    kubernetes.killForMemory({ name: first });
    kubernetes.evict({ name: second });
    await expectEventually(() => under.changes.length, 2);
    expect(Object.fromEntries(under.changes.map(({ workerId, reason }) => [workerId, reason?.kind]))).toEqual({
      [first]: 'out-of-memory',
      [second]: 'evicted',
    });
    await expectEventually(() => running().length, 2);
    expect(running()).not.toContain(first);
  });

  it('starts another worker where one is on a node that went silent', async () => {
    await startCluster({ timings: { nodeMonitorGraceMs: 300, defaultTolerationMs: 1_000 } });
    const under = await startPool();
    demand(under, 1);
    await expectEventually(() => running().length, 1);
    const [before] = pods();
    await kubernetes.killNode(before?.spec.nodeName ?? '');
    const elsewhere = (): boolean =>
      pods().some(({ spec, status }) => status.phase === 'Running' && spec.nodeName !== before?.spec.nodeName);
    await expectEventually(elsewhere, true);
    expect(under.diagnoses.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('goes on after the API was away, and tells of it', async () => {
    await startCluster();
    const under = await startPool();
    demand(under, 1);
    await expectEventually(() => running().length, 1);
    await kubernetes.stopApi();
    demand(under, 2);
    await expectEventually(() => codes(under), expect.arrayContaining(['warning KUBE_UNREACHABLE']));
    await kubernetes.startApi();
    await expectEventually(() => running().length, 2);
    await expectEventually(() => codes(under), expect.arrayContaining(['info KUBE_UNREACHABLE']));
  });

  it.each([
    ['a broken watch', () => void kubernetes.faults.dropWatches()],
    ['a forgotten history', () => void kubernetes.faults.expireWatches()],
    ['a busy server', () => void kubernetes.faults.fail(429, { verb: 'create', resource: 'pods' })],
    ['a server error', () => void kubernetes.faults.fail(500, { verb: 'create', resource: 'pods' }, { times: 2 })],
  ])('grows in spite of %s', async (_name, harm) => {
    await startCluster();
    const under = await startPool();
    harm();
    demand(under, 2);
    await expectEventually(() => running().length, 2);
    expect(under.diagnoses.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
