import { afterEach, describe, expect, it } from 'vitest';
import {
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

describe('a pool on a cluster', () => {
  it('grows with the demand, brings the bootstrap in a Secret alone, and leaves nothing that nobody uses', async () => {
    await startCluster();
    const under = await startPool();
    demand(under, 3);
    await expectEventually(() => running().length, 3);
    expect(JSON.stringify(pods())).not.toContain('very-secret');
    const [secret, ...others] = kubernetes.list('secrets', 'default');
    expect(others).toEqual([]);
    expect(Buffer.from(secret?.data?.['bootstrap.json'] ?? '', 'base64').toString()).toContain('very-secret');
    demand(under, 5);
    await expectEventually(() => running().length, 5);
    await under.pool.stop();
    expect(kubernetes.list('secrets', 'default'), 'workers that run keep it').toHaveLength(1);
    expect(running()).toHaveLength(5);
  });

  it('sweeps workers that left, and the secret with the last of them', async () => {
    await startCluster();
    const under = await startPool({ image: 'leave' });
    demand(under, 2);
    await expectEventually(() => running().length, 2);
    demand(under, 0);
    await expectEventually(pods, []);
    await expectEventually(() => under.changes.map(({ change }) => change), ['stopped', 'stopped']);
    await under.pool.stop();
    expect(kubernetes.list('secrets', 'default')).toEqual([]);
  });

  it('is shared by two clients of a tenant without making a worker twice', async () => {
    await startCluster();
    const [one, two] = [await startPool(), await startPool({}, 'executor-two')];
    demand(one, 6);
    demand(two, 6);
    await expectEventually(() => running().length, 6);
    const made = kubernetes.requests.matching({ verb: 'create', resource: 'pods' });
    expect(made.filter(({ status }) => status === 201)).toHaveLength(6);
  });

  it('uses every node to the full, and one that joins later', async () => {
    await startCluster();
    const under = await startPool({ sizing: { kind: 'per-node' } });
    demand(under, 100);
    await expectEventually(() => running().length, 2);
    const slots = (): readonly string[] =>
      pods()
        .map(({ spec, metadata }) => `${spec.nodeName}:${metadata.annotations?.['splitrock.dev/slots']}`)
        .toSorted();
    expect(slots()).toEqual(['node-a:8', 'node-b:4']);
    expect(under.pool.maxSlots).toBe(12);
    kubernetes.addNode({ name: 'node-c', cpu: '16', memory: '16Gi' });
    await expectEventually(slots, ['node-a:8', 'node-b:4', 'node-c:16']);
  });

  it('makes the secret again if it was swept away under its pods', async () => {
    await startCluster();
    const under = await startPool();
    const fault = kubernetes.faults.fail(409, { verb: 'create', resource: 'secrets' });
    demand(under, 1);
    await expectEventually(() => fault.hits, 1);
    await expectEventually(() => kubernetes.list('secrets', 'default').length, 1);
    await expectEventually(() => running().length, 1);
  });

  it('takes back pods that never ran when its client goes', async () => {
    await startCluster();
    const under = await startPool({ sizing: { kind: 'fixed', cpu: '100' } });
    demand(under, 1);
    await expectEventually(() => pods().length, 1);
    await under.pool.stop();
    await expectEventually(pods, []);
    expect(kubernetes.list('secrets', 'default')).toEqual([]);
  });

  it('is cleaned by who never started it: what ended goes, what runs stays', async () => {
    await startCluster();
    const under = await startPool();
    demand(under, 1);
    await expectEventually(() => running().length, 1);
    const [name = ''] = running();
    await under.pool.stop();
    const { pool: next } = await startPool({}, 'executor-clean');
    expect(await next.clean()).toEqual({ removed: { pods: 0, secrets: 0 } });
    kubernetes.evict({ name });
    await expectEventually(running, []);
    expect(await next.clean()).toEqual({ removed: { pods: 1, secrets: 1 } });
    expect([pods(), kubernetes.list('secrets', 'default')]).toEqual([[], []]);
  });
});
