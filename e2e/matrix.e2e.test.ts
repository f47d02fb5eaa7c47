/**
 * One program on every backend, with every storage and every monitoring: only the configuration differs.
 *
 * Writes what combines with what to docs/combinations.md; run with `-u` when a combination was added.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { leaseService, type Lease } from '@splitrock/services';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { combinationsPage } from './src/combinations-page.ts';
import { BACKENDS, MONITORINGS, STORAGES, type Combination } from './src/combinations.ts';
import { WORK_QUEUE } from './src/kubernetes-backends.ts';
import { SimulatedPods } from './src/simulated-pods.ts';
import { World } from './src/world.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('programs/tour.ts', import.meta.url));
const PAGE = fileURLToPath(new URL('../docs/combinations.md', import.meta.url));
const DEADLINE_MS = 180_000;

let world: World;
let simulated: SimulatedPods;
let sshd: Lease;
let folder: string;
beforeAll(async () => {
  // Of the world, the combinations take the namespace and the places; they bring their own backends.
  [world, simulated, sshd] = await Promise.all([World.create(WORK_QUEUE), SimulatedPods.start(), leaseService('sshd')]);
  folder = await mkdtemp(join(tmpdir(), 'splitrock-e2e-matrix-'));
});
afterAll(async () => {
  sshd.release();
  await simulated.stop();
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const combinations: Combination[] = BACKENDS.flatMap((backend) =>
  STORAGES.filter(({ name }) => backend.storages.includes(name)).flatMap((storage) =>
    MONITORINGS.map((monitoring) => ({ backend, storage, monitoring })),
  ),
);
const passed = new Set<Combination>();

/** As a user does: a configuration file, and the program. */
async function runProgram(combination: Combination): Promise<unknown> {
  const { backend, storage, monitoring } = combination;
  const own = join(folder, [backend.title, storage.name, monitoring.name].join('-').replaceAll(/[^\w-]/g, '-'));
  const surroundings = { world, simulated, ssh: sshd.environment, folder: own };
  await mkdir(own);
  const config = join(own, 'splitrock.config.json');
  const content = {
    tenant: world.tenant,
    backend: backend.module ?? backend.name,
    backends: { [backend.name]: backend.options(surroundings) },
    storage: storage.name,
    storages: { [storage.name]: storage.options(surroundings) },
    monitoring: monitoring.name,
    monitorings: { [monitoring.name]: monitoring.options(surroundings) },
  };
  await writeFile(config, JSON.stringify(content, undefined, 2));
  const { stdout } = await run(process.execPath, ['--conditions=@splitrock/source', PROGRAM], {
    env: { ...process.env, SPLITROCK_CONFIG: config },
    timeout: DEADLINE_MS,
  });
  return JSON.parse(stdout);
}

describe('one program', { timeout: DEADLINE_MS + 10_000 }, () => {
  it.for(combinations.map((each) => [each.backend.title, each.storage.name, each.monitoring.name, each] as const))(
    'runs on %s with storage %s and monitoring %s',
    async ([, , , combination]) => {
      expect(await runProgram(combination)).toEqual({
        squares: Array.from({ length: 24 }, (_, n) => n * n),
        sums: [
          [0, 84],
          [1, 92],
          [2, 100],
        ],
        words: ['one', 'two', 'three', 'four', 'five'],
        logs: ['call 0', 'call 1'],
        outcomes: [1, 2, 'CALL_FAILED 2'],
        large: 2_000_000,
        cancelled: ['CALL_CANCELLED', 'CALL_CANCELLED', 'CALL_CANCELLED'],
      });
      passed.add(combination);
    },
  );

  it('and docs/combinations.md says so', async () => {
    await expect(await combinationsPage(passed)).toMatchFileSnapshot(PAGE);
  });
});
