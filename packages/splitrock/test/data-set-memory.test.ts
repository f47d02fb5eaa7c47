/** Inputs and results far larger than the heap stream through a call; `npm run bench -- large-data` does it with several GiB. */
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isCloudObject, objects, type Partition } from 'splitrock';
import { useExecutor, useFolder } from './support.ts';

const MIB = 1024 * 1024;
const SIZE = 400 * MIB;

const folder = useFolder();
const executor = useExecutor(folder);

it('an input of 400 MiB is read, and one written as a result, in a call that has 64 MiB', async () => {
  const path = join(folder.path, 'large');
  await writeFile(path, '');
  // Sparse: it takes no room on the disk.
  await truncate(path, SIZE);
  const job = executor.current.map(
    async (part: Partition, { storage }) => {
      const before = process.memoryUsage().rss;
      let mostBytes = 0;
      const watched = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of part.stream()) {
          mostBytes = Math.max(mostBytes, process.memoryUsage().rss - before);
          yield chunk;
        }
      };
      return { object: await storage.cloudObject(watched()), mostMiB: Math.round(mostBytes / 1024 / 1024) };
    },
    objects(path, { newline: null }),
    { memoryMiB: 64 },
  );
  const [result] = await job;
  expect(isCloudObject(result?.object)).toBe(true);
  expect(result?.object.size).toBe(SIZE);
  expect(result?.mostMiB).toBeLessThan(150);
  // The result is an input again; its bytes are counted here, part by part.
  let bytes = 0;
  for await (const part of executor.current.partitions(objects(result?.object ?? '', { chunks: 4, newline: null }))) {
    for await (const chunk of part.stream()) bytes += chunk.length;
  }
  expect(bytes).toBe(SIZE);
}, 60_000);
