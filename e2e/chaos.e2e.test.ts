/**
 * Everything breaks, at random, for minutes, under one job of thousands of calls; its client is killed as well, and
 * another attaches. The seed is printed; what is done follows from it, and `SPLITROCK_E2E_SEED` gives it again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster } from '@splitrock/cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chaos } from './src/chaos.ts';
import { ClientProcess } from './src/client-process.ts';
import { WORK_QUEUE } from './src/kubernetes-backends.ts';
import { surroundings } from './src/surroundings.ts';
import { valueOf } from './src/watched-job.ts';
import { World } from './src/world.ts';

const CALLS = 5_000;
const SLOTS = 8;
/** Five minutes are `300`. Without it this suite is skipped: it takes long. */
const SECONDS = Number(process.env['SPLITROCK_E2E_CHAOS_SECONDS'] || 0);
const SEED = Number(process.env['SPLITROCK_E2E_SEED'] || Date.now() % 1_000_000);

let world: World;
let folder: string;
beforeAll(async () => {
  world = await World.create(WORK_QUEUE);
  folder = await mkdtemp(join(tmpdir(), 'splitrock-e2e-chaos-'));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

describe.skipIf(SECONDS === 0 || !surroundings.canBreak || !surroundings.ownServices)('5,000 calls', () => {
  it(
    'come through minutes of faults, each with one outcome and all of them right',
    { timeout: 1_800_000 },
    async () => {
      // Fills the slots for about as long as things break, if nothing did.
      const ms = (SECONDS * 1_000 * SLOTS) / CALLS;
      const config = world.config({ storage: 'redis', pods: { maxWorkers: SLOTS / 2, idleTimeoutSeconds: 60 } });
      const file = join(folder, 'splitrock.config.json');
      const clients = [await ClientProcess.start(file, config, ['start', String(CALLS), String(ms)])];
      const current = (): ClientProcess => clients.at(-1) as ClientProcess;
      await current().untilEnded(SLOTS);
      const jobId = current().jobId ?? '';
      const attach = async (): Promise<void> => {
        await current().kill();
        clients.push(await ClientProcess.start(file, config, ['attach', jobId]));
      };

      const chaos = new Chaos({ seed: SEED, world, cluster: await startCluster(), killClient: attach });
      console.log(`chaos: seed ${SEED}, ${SECONDS} s`);
      await chaos.run(SECONDS * 1_000, () => current().hasEnded);
      console.log(`chaos: ${chaos.summary()}; ${current().outcomes.length} calls have ended`);

      // A client that gave up because a service was away is started anew, as its user would.
      await expect
        .poll(
          async () => {
            if (current().hasExited && !current().hasEnded) await attach();
            return current().hasEnded;
          },
          { timeout: 600_000, interval: 1_000 },
        )
        .toBe(true);
      await current().finished();
      const expected = Array.from({ length: CALLS }, (_, callId) => ({ callId, value: valueOf(callId) }));
      expect(current().outcomes.toSorted((a, b) => a.callId - b.callId)).toEqual(expected);
      for (const client of clients) {
        const seen = client.outcomes;
        expect(new Set(seen.map(({ callId }) => callId)).size).toBe(seen.length);
        expect(seen.filter(({ callId, value }) => value !== valueOf(callId))).toEqual([]);
      }
      expect(chaos.kinds).toEqual(new Set(Chaos.ALL));
    },
  );
});
