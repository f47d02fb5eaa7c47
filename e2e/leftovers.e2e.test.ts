/** Nothing is left, in the cluster, in the broker, or in the backend’s part of storage, once nobody needs it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientProcess } from './src/client-process.ts';
import { KUBERNETES_BACKENDS, lacks } from './src/kubernetes-backends.ts';
import { inBroker, inCluster, inStorage } from './src/leftovers.ts';
import { surroundings } from './src/surroundings.ts';
import { World } from './src/world.ts';

const run = promisify(execFile);
const CLI = fileURLToPath(import.meta.resolve('splitrock')).replace('src/index.ts', 'bin/splitrock.js');
const PATIENCE = { timeout: 60_000, interval: 1_000 };

let world: World;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splitrock-e2e-left-'));
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function expectNothing(): Promise<void> {
  await expect.poll(() => inCluster(world), PATIENCE).toEqual([]);
  await expect.poll(() => inBroker(world), PATIENCE).toEqual([]);
  await expect.poll(() => inStorage(world), PATIENCE).toEqual([]);
}

const numbers = Array.from({ length: 40 }, (_, n) => n);

describe.skipIf(!surroundings.ownServices).each(KUBERNETES_BACKENDS)('nothing of $name is left', (backend) => {
  const short = { pods: backend.shortLived };
  beforeEach(async () => {
    world = await World.create(backend);
  });

  it('after a job, its executor’s end, and the idle timeout', async () => {
    const executor = world.executor(short);
    expect(await executor.map((n: number) => n, numbers)).toEqual(numbers);
    expect(await inCluster(world)).not.toEqual([]);
    if (!lacks(backend, 'a broker')) expect(await inBroker(world)).not.toEqual([]);
    await expect.poll(() => world.pods(), PATIENCE).toEqual([]);
    await executor.dispose();
    await expectNothing();
  });

  it('of a killed client’s job after `splitrock clean` and the idle timeout', async () => {
    const file = join(folder, 'splitrock.config.json');
    const client = await ClientProcess.start(file, world.config(short), ['start', '100', '50']);
    await client.untilEnded(10);
    await client.kill();
    const [executorId = ''] = client.jobId?.split('-') ?? [];
    const clean = async (): Promise<string> => {
      const env = { ...process.env, SPLITROCK_CONFIG: file };
      const args = ['--conditions=@splitrock/source', CLI, 'clean', '--executor', executorId];
      return (await run(process.execPath, args, { env })).stdout;
    };
    await clean();
    await expect.poll(async () => (await world.runningPods()).length, PATIENCE).toBe(0);
    await clean();
    await expectNothing();
  });

  it.skipIf(lacks(backend, 'kept workers'))('of a pool that nobody needs any more, whoever goes last', async () => {
    // The workers outlive their client.
    const executor = world.executor(short);
    await executor.map((n: number) => n, numbers);
    await executor.dispose();
    await expect.poll(async () => (await world.runningPods()).length, PATIENCE).toBe(0);
    await expect.poll(() => inBroker(world), PATIENCE).toEqual([]);
    // Ended pods and their Secret wait for the next client of the pool.
    const next = world.executor(short);
    await next.callAsync(() => 1);
    await expect.poll(() => world.pods(), PATIENCE).toEqual([]);
    await next.dispose();
    await expect.poll(() => inCluster(world), PATIENCE).toEqual([]);
  });
});
