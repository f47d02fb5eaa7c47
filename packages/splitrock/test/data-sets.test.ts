import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objects, type Partition } from 'splitrock';
import { rejection, until, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

/** 1000 rows of different lengths. */
const table = Array.from({ length: 1_000 }, (_, row) => `${row},${'x'.repeat(row % 37)}`).join('\n');

const linesOf = async (part: Partition): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of part.lines()) lines.push(line);
  return lines;
};
const describePart = (part: Partition): object => ({
  name: part.name,
  key: part.key,
  url: part.url,
  part: part.part,
  parts: part.parts,
  range: part.range,
  size: part.size,
});

describe('a data set as input', () => {
  let server: Server;
  let url = '';

  beforeAll(async () => {
    await mkdir(join(folder.path, 'data', 'deeper'), { recursive: true });
    await writeFile(join(folder.path, 'data', 'b.csv'), table);
    await writeFile(join(folder.path, 'data', 'a.csv'), 'only');
    await writeFile(join(folder.path, 'data', 'deeper', 'c.csv'), '');
    await writeFile(join(folder.path, 'data', '.hidden'), 'no');
    await executor.current.storage.put('tables/one.csv', table);
    await executor.current.storage.put('tables/two.csv', 'a\nb\n');
    await executor.current.storage.put('tables/other.txt', 'text');
    await executor.current.storage.put('tables/folder/', '');
    server = createServer((_request, response) => response.end('from\nthe\nserver'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rows?token=1`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });

  it('gives every row of an object once, in order, from as many calls as it has parts', async () => {
    const job = executor.current.map(linesOf, objects('tables/one.csv', { chunks: 7 }));
    const parts = await job;
    expect(parts).toHaveLength(7);
    expect(parts.flat().join('\n')).toBe(table);
    expect(parts.every((lines) => lines.length > 50)).toBe(true);
  });

  it('gives a partition that says what it is', async () => {
    const parts = await executor.current.map(describePart, objects('tables/one.csv', { chunkBytes: 10_000 }));
    const size = table.length;
    expect(parts).toHaveLength(Math.ceil(size / 10_000));
    expect(parts[1]).toEqual({
      name: 'tables/one.csv',
      key: 'tables/one.csv',
      url: undefined,
      part: 2,
      parts: parts.length,
      range: { start: 10_000, end: 20_000 },
      size,
    });
  });

  it('mixes sources of all kinds, in the order in which they are named, each object once', async () => {
    const cloud = await executor.current.storage.cloudObject('from the cloud', { name: 'cloud.txt' });
    const sources = [
      url,
      './data/',
      'tables/*.csv',
      cloud,
      new URL(`file://${folder.path}/data/a.csv`),
      'local://tables/other.txt',
      'tables/one.csv',
      join(folder.path, 'data/**/*.csv'),
    ];
    const texts = await executor.current.map(
      async (part: Partition) => [part.name, await part.text()],
      objects(sources),
    );
    expect(texts).toEqual([
      [url, 'from\nthe\nserver'],
      [join(folder.path, 'data/a.csv'), 'only'],
      [join(folder.path, 'data/b.csv'), table],
      [join(folder.path, 'data/deeper/c.csv'), ''],
      ['tables/one.csv', table],
      ['tables/two.csv', 'a\nb\n'],
      ['cloud-objects/cloud.txt', 'from the cloud'],
      ['local://tables/other.txt', 'text'],
    ]);
  });

  it('streams bytes, text, lines and rows', async () => {
    const [all] = await executor.current.map(async (part: Partition) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of part.stream()) chunks.push(chunk);
      const rows: string[] = [];
      for await (const row of part.rows()) rows.push(row.toString('hex'));
      const lines: string[] = [];
      for await (const line of part.lines()) lines.push(line);
      const text = await part.text();
      const bytes = await part.bytes();
      return { streamed: Buffer.concat(chunks).toString(), rows, lines, text, bytes: [...bytes] };
    }, objects('tables/two.csv'));
    expect(all).toEqual({
      streamed: 'a\nb\n',
      rows: ['61', '62'],
      lines: ['a', 'b'],
      text: 'a\nb\n',
      bytes: [97, 10, 98, 10],
    });
  });

  it('goes through mapReduce, with one reduction per object', async () => {
    const counts = executor.current.mapReduce(
      async (part: Partition) => (await linesOf(part)).length,
      objects(['tables/one.csv', './data/'], { chunkBytes: 3_000 }),
      (values) => ({ rows: values.reduce((sum, value) => sum + value, 0), parts: values.length }),
      { reduceBy: 'object' },
    );
    expect([...(await counts)]).toEqual([
      ['tables/one.csv', { rows: 1_000, parts: Math.ceil(table.length / 3_000) }],
      [join(folder.path, 'data/a.csv'), { rows: 1, parts: 1 }],
      [join(folder.path, 'data/b.csv'), { rows: 1_000, parts: Math.ceil(table.length / 3_000) }],
      [join(folder.path, 'data/deeper/c.csv'), { rows: 0, parts: 1 }],
    ]);
  });

  it('starts the reduction of an object when its parts are done, though others still run', async () => {
    const { storage } = executor.current;
    await storage.put('race/a', 'a');
    await storage.put('race/b', 'b');
    const reduced = executor.current.mapReduce(
      async (part: Partition, { storage: shared }) => {
        // The other object's part waits for what only the reduction of this one writes.
        while (part.key === 'race/b' && (await shared.head('reduced/a')) === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return part.key as string;
      },
      objects('race/'),
      async ([key], { storage: shared }) => {
        if (key === 'race/a') await shared.put('reduced/a', 'done');
        return key;
      },
      { reduceBy: 'object', timeoutMs: 20_000 },
    );
    expect([...(await reduced).values()]).toEqual(['race/a', 'race/b']);
  });

  it('goes through mapReduce with a key of the partition', async () => {
    const counts = executor.current.mapReduce(
      async (part: Partition) => (await part.bytes()).length,
      objects('tables/'),
      (values) => values.reduce((sum, value) => sum + value, 0),
      { reduceBy: (part: Partition) => part.name.split('.').at(-1) ?? '' },
    );
    expect([...(await counts)]).toEqual([
      ['csv', table.length + 4],
      ['txt', 4],
    ]);
  });

  it('can be looked at and picked from first; partitions are inputs like others', async () => {
    const picked: Partition[] = [];
    for await (const part of executor.current.partitions(objects('tables/', { chunkBytes: 5_000 }))) {
      if (part.part === 1) picked.push(part);
    }
    expect((await picked[0]?.text())?.startsWith('0,\n1,x\n')).toBe(true);
    expect(await executor.current.map((part: Partition) => part.key, picked)).toEqual([
      'tables/one.csv',
      'tables/other.txt',
      'tables/two.csv',
    ]);
    function* lazily() {
      yield* picked;
    }
    expect(await executor.current.map((part: Partition) => part.part, lazily())).toEqual([1, 1, 1]);
  });

  it('fails before anything runs when a source is not there, naming it', async () => {
    const run = (source: string | string[]): Promise<Error & { code?: string }> =>
      rejection(executor.current.map((part: Partition) => part.name, objects(source)));
    expect(await run('tables/missing.csv')).toMatchObject({
      code: 'DATASET_NOT_FOUND',
      message: expect.stringContaining('tables/missing.csv'),
    });
    expect(await run('tables/*.parquet')).toMatchObject({ code: 'DATASET_NOT_FOUND' });
    expect(await run('./data/missing.csv')).toMatchObject({ code: 'DATASET_NOT_FOUND' });
    expect(await run('./data/*.parquet')).toMatchObject({ code: 'DATASET_NOT_FOUND' });
    expect(await run('s3://bucket/key')).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('dataStorages: [s3]'),
    });
    expect(await run(['tables/', 'tables/no', './no'])).toMatchObject({
      code: 'DATASET_NOT_FOUND',
      message: expect.stringMatching(/2 of 3 sources.*tables\/no.*\/no/s),
    });
    const job = executor.current.map((part: Partition) => part.name, objects(['tables/', 'tables/no']));
    await rejection(job);
    expect(job.progress.settled).toBe(0);
  });

  it('fails the call that reads an object that was replaced since', async () => {
    const { storage } = executor.current;
    await storage.put('changing', 'first');
    await storage.delete('go');
    const job = executor.current.map(async (part: Partition, context) => {
      await context.storage.put('waiting', '');
      while ((await context.storage.head('go')) === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      return part.text();
    }, objects('changing'));
    await until('the call runs', async () => (await storage.head('waiting')) !== undefined);
    await storage.put('changing', 'other');
    await storage.put('go', '');
    const error = await rejection(job);
    expect(error).toMatchObject({ code: 'CALL_FAILED' });
    expect(error.cause).toMatchObject({ code: 'DATASET_CHANGED', message: expect.stringContaining('changing') });
  });

  it('ends its reading when the call is stopped', async () => {
    let asked = false;
    const silent = createServer((request, response) => {
      asked = request.headers.range === undefined;
      if (request.headers.range !== undefined) return void response.writeHead(200).end();
      response.writeHead(200).write('never the rest');
    });
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    try {
      const source = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
      const job = executor.current.map((part: Partition) => part.text(), objects(source));
      await until('it is read', () => asked);
      await job.cancel();
      expect(await rejection(job)).toMatchObject({ code: 'CALL_CANCELLED' });
    } finally {
      silent.closeAllConnections();
      await once(silent.close(), 'close');
    }
  });

  it('ends its planning when the job is cancelled', async () => {
    let asked = false;
    const silent = createServer(() => (asked = true));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    try {
      const source = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
      const job = executor.current.map((part: Partition) => part.text(), objects(source));
      await until('it is asked for', () => asked);
      await job.cancel(new Error('no longer wanted'));
      expect((await rejection(job)).message).toContain('no longer wanted');
    } finally {
      silent.closeAllConnections();
      await once(silent.close(), 'close');
    }
  });

  it('is refused where it makes no sense', async () => {
    const set = objects('tables/');
    expect(() => executor.current.map((part) => part, [set])).toThrow(/data set.*map/);
    expect(() => executor.current.callAsync((part) => part, set)).toThrow(/data set.*map/);
    expect(() =>
      executor.current.mapReduce(
        (part: Partition) => part.name,
        [1] as never,
        (all) => all,
        { reduceBy: 'object' },
      ),
    ).toThrow(/reduceBy: 'object'/);
    expect(() => objects([])).toThrow(/no sources/);
    expect(() => objects('a', { chunks: 2, chunkBytes: 3 })).toThrow(/exclude/);
    expect(() => objects('a', { chunks: 0 })).toThrow(/chunks/);
    expect(() => objects('a', { chunkBytes: 1.5 })).toThrow(/chunkBytes/);
    expect(() => objects('a', { newline: '' })).toThrow(/newline/);
    expect(() => objects('')).toThrow(/source/);
    const [error] = await executor.current.map(
      async (part: Partition) => {
        try {
          for await (const _line of part.lines()) return 'a line';
        } catch (thrown) {
          return (thrown as { code?: string }).code;
        }
        return 'none';
      },
      objects('tables/two.csv', { newline: null }),
    );
    expect(error).toBe('ILLEGAL_STATE');
  });
});
