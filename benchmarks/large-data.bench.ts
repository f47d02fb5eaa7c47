/**
 * Several GiB through calls that have little memory: an input is read, part by part and as one stream, and one is written as
 * a result. Held to: what a call's process grows by, and exact sizes.
 *
 * The input is a sparse file and takes no room; the result takes `gib` GiB in the temporary folder while it runs.
 * Run: `npm run bench -- large-data [gib]`, 4 by default.
 */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FunctionExecutor, objects, type Partition } from 'splitrock';
import { conclude, type Verdict } from './measure.ts';

const GIB = 1024 ** 3;
const MEMORY_MIB = 64;
const MAX_GROWTH_MIB = 150;

interface Streamed {
  readonly bytes: number;
  readonly mostMiB: number;
}

async function main(): Promise<void> {
  const gib = Number(process.argv[2] ?? 4);
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-large-'));
  try {
    const input = join(folder, 'input');
    await writeFile(input, '');
    await truncate(input, gib * GIB);
    await using executor = new FunctionExecutor({
      cwd: folder,
      storages: { local: { directory: join(folder, 'storage') } },
    });
    console.log(`Node ${process.version}, ${cpus().length} CPUs, ${gib} GiB, calls with ${MEMORY_MIB} MiB`);
    conclude([
      await verdict(`read ${gib} GiB in one call`, gib, () => read(executor, input, 1)),
      await verdict(`read ${gib} GiB in 8 calls`, gib, () => read(executor, input, 8)),
      await verdict(`write ${gib} GiB as a result`, gib, () => copy(executor, input)),
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function verdict(what: string, gib: number, run: () => Promise<readonly Streamed[]>): Promise<Verdict> {
  const start = performance.now();
  const streamed = await run();
  const took = (performance.now() - start) / 1000;
  const bytes = streamed.reduce((sum, each) => sum + each.bytes, 0);
  const mostMiB = Math.round(Math.max(...streamed.map((each) => each.mostMiB)));
  return {
    what,
    measured: `+${mostMiB} MiB, ${((gib * 1024) / took).toFixed(0)} MiB/s`,
    bound: `all bytes, +${MAX_GROWTH_MIB} MiB`,
    kept: bytes === gib * GIB && mostMiB <= MAX_GROWTH_MIB,
  };
}

async function read(executor: FunctionExecutor, input: string, chunks: number): Promise<readonly Streamed[]> {
  return executor.map(
    async (part: Partition): Promise<Streamed> => {
      const before = process.memoryUsage().rss;
      let [bytes, most] = [0, 0];
      for await (const chunk of part.stream()) {
        bytes += chunk.length;
        most = Math.max(most, process.memoryUsage().rss - before);
      }
      return { bytes, mostMiB: most / 1024 / 1024 };
    },
    objects(input, { chunks, newline: null }),
    { memoryMiB: MEMORY_MIB },
  );
}

async function copy(executor: FunctionExecutor, input: string): Promise<readonly Streamed[]> {
  return executor.map(
    async (part: Partition, { storage }): Promise<Streamed> => {
      const before = process.memoryUsage().rss;
      let most = 0;
      const watched = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of part.stream()) {
          most = Math.max(most, process.memoryUsage().rss - before);
          yield chunk;
        }
      };
      const { size } = await storage.cloudObject(watched());
      return { bytes: size, mostMiB: most / 1024 / 1024 };
    },
    objects(input, { newline: null }),
    { memoryMiB: MEMORY_MIB },
  );
}

await main();
