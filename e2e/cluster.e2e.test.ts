/** The cluster can be broken as fault suites need it, and comes back; pods go on where theirs is not what broke. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '@splitrock/cluster';
import { TestNamespace } from './src/namespace.ts';
import { address, core, surroundings } from './src/surroundings.ts';

const PATIENCE = { timeout: 90_000, interval: 250 };
/** Counts in Redis as long as it lives, with what is in the image. */
const COUNTING = `
  import { connect } from 'node:net';
  import { readFileSync } from 'node:fs';
  const { url, key } = JSON.parse(readFileSync('/etc/splitrock/bootstrap.json', 'utf8'));
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname, () => setInterval(() => socket.write('INCR ' + key + '\\r\\n'), 50));`;

let cluster: Cluster;
let redis: Redis;
let namespace: TestNamespace;
beforeAll(async () => {
  // The one that is up.
  cluster = await startCluster();
  redis = new Redis(address('SPLITROCK_TEST_REDIS_URL'));
  namespace = await TestNamespace.create();
});
afterAll(async () => {
  await namespace[Symbol.asyncDispose]();
  await redis.quit();
});

async function startCounting(name: string, node?: string): Promise<void> {
  const file = { url: address('SPLITROCK_TEST_REDIS_URL'), key: `${namespace.name}:${name}` };
  const command = ['node', '--input-type=module', '--eval', COUNTING];
  await namespace.start({ name, command, file, ...(node === undefined ? {} : { node }) });
}

const count = async (name: string): Promise<number> => Number(await redis.get(`${namespace.name}:${name}`));

async function expectCounting(name: string): Promise<void> {
  const before = await count(name);
  await expect.poll(() => count(name), PATIENCE).toBeGreaterThan(before + 2);
}

async function nodeCondition(name: string): Promise<string | undefined> {
  const { status } = await core.readNode({ name });
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status;
}

describe.skipIf(!surroundings.canBreak)('a cluster that may be broken', () => {
  it('advertises what its nodes are said to have', async () => {
    const { items } = await core.listNode();
    const sizes = items.map(({ metadata, status }) => [metadata?.name, status?.allocatable?.['cpu']]);
    expect(sizes.length).toBeGreaterThanOrEqual(2);
    expect(new Set(sizes.map(([, cpu]) => cpu)).size).toBe(sizes.length);
  });

  it('loses its API server without its pods, and gets it back', async () => {
    await startCounting('survivor');
    await expectCounting('survivor');
    await cluster.stopApi();
    await expect(core.listNode()).rejects.toThrow();
    await expectCounting('survivor');
    await cluster.startApi();
    await expectCounting('survivor');
    await namespace.reached('survivor', 'Running');
  });

  it('loses a node with all that runs on it, notices, and gets it back', async () => {
    const [node = ''] = (await core.listNode()).items.map(({ metadata }) => metadata?.name);
    await startCounting('victim', node);
    await expectCounting('victim');
    await cluster.killNode(node);
    const last = await count('victim');
    await expect.poll(() => nodeCondition(node), PATIENCE).toBe('Unknown');
    expect(await count('victim')).toBe(last);
    await cluster.startNode(node);
    expect(await nodeCondition(node)).toBe('True');
    await startCounting('successor', node);
    await expectCounting('successor');
  });
});
