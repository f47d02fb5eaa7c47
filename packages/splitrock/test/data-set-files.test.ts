/** Local files of data sets where the workers do not see this machine's disk. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plugin as localhost } from '@splitrock/backend-localhost';
import { beforeAll, describe, expect, it } from 'vitest';
import { objects, type Partition } from 'splitrock';
import { rejection, useExecutor, useFolder } from './support.ts';

/** Workers on this machine that must not know it. */
const elsewhere: typeof localhost = {
  ...localhost,
  createBackend: async (options, deps) =>
    Object.defineProperty(await localhost.createBackend(options, deps), 'sharesFiles', { value: false }),
};

describe('local files for workers that do not share the disk', () => {
  const folder = useFolder();
  const executor = useExecutor(folder, { backend: elsewhere });
  const data = (name: string): string => join(folder.path, 'data', name);

  beforeAll(async () => {
    await mkdir(join(folder.path, 'data'));
    await writeFile(data('a.csv'), 'one\ntwo\nthree\n');
    await writeFile(data('b c?.csv'), '');
    await executor.current.storage.put('in-storage.csv', 'four');
  });

  it('are uploaded to the job, from where they go with it', async () => {
    const job = executor.current.map(
      async (part: Partition) => {
        const lines: string[] = [];
        for await (const line of part.lines()) lines.push(line);
        return { name: part.name, key: part.key, parts: part.parts, lines };
      },
      objects(['./data/', 'in-storage.csv'], { chunks: 2 }),
    );
    expect(await job).toEqual([
      { name: data('a.csv'), key: undefined, parts: 2, lines: ['one', 'two'] },
      { name: data('a.csv'), key: undefined, parts: 2, lines: ['three'] },
      { name: data('b c?.csv'), key: undefined, parts: 1, lines: [] },
      { name: 'in-storage.csv', key: 'in-storage.csv', parts: 2, lines: ['four'] },
      { name: 'in-storage.csv', key: 'in-storage.csv', parts: 2, lines: [] },
    ]);
    const uploaded = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of executor.current.storage.list('jobs/')) if (key.includes('/data/')) keys.push(key);
      return keys;
    };
    expect(await uploaded()).toHaveLength(2);
    await executor.current.clean([job]);
    expect(await uploaded()).toEqual([]);
  });

  it('are refused, before anything is sent, when there is too much', async () => {
    const job = executor.current.map((part: Partition) => part.name, objects('./data/', { maxUploadBytes: 10 }));
    expect(await rejection(job)).toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: expect.stringMatching(/bytes=14, maxUploadBytes=10.*splitrock storage put/s),
    });
  });

  it('are read from their copies, so that changes of the files do not matter any more', async () => {
    await writeFile(data('later.csv'), 'before');
    await executor.current.storage.delete('go');
    const job = executor.current.map(async (part: Partition, { storage }) => {
      await storage.put('running', '');
      while ((await storage.head('go')) === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      return part.text();
    }, objects('./data/later.csv'));
    await expect.poll(() => executor.current.storage.head('running'), { timeout: 20_000 }).toBeDefined();
    await writeFile(data('later.csv'), 'after!');
    await executor.current.storage.put('go', '');
    expect(await job).toEqual(['before']);
  });
});
