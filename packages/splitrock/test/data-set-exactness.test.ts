/**
 * What partitioners of other tools are known to get wrong, by name: bytes that are lost or counted twice, sources that are
 * passed over without a word, groups that are mixed up.
 */
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objects, type ObjectsOptions, type Partition } from 'splitrock';
import { rejection, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

/** The parts of a content, offered as a file and as an object in storage, read in this process. */
async function partsOf(
  content: string | Buffer,
  options: ObjectsOptions,
): Promise<Record<'file' | 'object', string[]>> {
  const path = join(folder.path, 'content');
  await writeFile(path, content);
  await executor.current.storage.put('content', typeof content === 'string' ? content : new Uint8Array(content));
  return { file: await textsOf(path, options), object: await textsOf('content', options) };
}

async function textsOf(source: string, options: ObjectsOptions): Promise<string[]> {
  const texts: string[] = [];
  for await (const part of executor.current.partitions(objects(source, options))) texts.push(await part.text());
  return texts;
}

const both = (texts: string[]): Record<'file' | 'object', string[]> => ({ file: texts, object: texts });

const CUTS: readonly (readonly [string, ObjectsOptions])[] = [
  ['whole', {}],
  ['cut by size', { chunkBytes: 4 }],
  ['cut by number', { chunks: 3 }],
];

describe.each(CUTS)('an object that is %s', (_how, cut) => {
  it('of 1 byte is one part, with the byte', async () => {
    expect(await partsOf('x', cut)).toEqual(both(['x']));
  });

  it('that is empty is one part, with nothing in it, and fails nobody', async () => {
    expect(await partsOf('', cut)).toEqual(both(['']));
  });
});

describe('a remainder of exactly 1 byte', () => {
  it('is the last part: 9 bytes in parts of 4', async () => {
    expect(await partsOf('123456789', { chunkBytes: 4, newline: null })).toEqual(both(['1234', '5678', '9']));
  });

  it('is not lost: 10 bytes in 4 parts', async () => {
    expect(await partsOf('1234567890', { chunks: 4, newline: null })).toEqual(both(['123', '456', '78', '90']));
  });
});

it('as many parts are given as were asked for: 10 bytes in 7', async () => {
  const parts = await partsOf('1234567890', { chunks: 7, newline: null });
  expect(parts).toEqual(both(['12', '34', '56', '7', '8', '9', '0']));
});

it('a last line without a newline is whole when it is cut', async () => {
  const { file, object } = await partsOf('aaaa\nbbbb\ncccc', { chunkBytes: 5 });
  expect([file.join(''), object.join('')]).toEqual(['aaaa\nbbbb\ncccc', 'aaaa\nbbbb\ncccc']);
  expect(file).toEqual(['aaaa\n', 'bbbb\n', 'cccc']);
});

it('a line longer than 128 KiB is whole, in one part', async () => {
  const long = 'x'.repeat(600_000);
  const parts = await partsOf(`first\n${long}\nlast`, { chunkBytes: 100_000 });
  expect(parts.file.join('')).toBe(`first\n${long}\nlast`);
  expect(parts.object).toEqual(parts.file);
  expect(parts.file[0]).toBe(`first\n${long}\n`);
});

it('a stream that is read piece by piece loses no byte at the seams, and gives none twice', async () => {
  const content = Buffer.from(Array.from({ length: 900_000 }, (_, index) => (index * 31) % 251));
  await writeFile(join(folder.path, 'seams'), content);
  const pieces = await executor.current.map(
    async (part: Partition) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of part.stream()) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    objects('./seams', { chunkBytes: 123_456 }),
  );
  expect(Buffer.concat(pieces).equals(content)).toBe(true);
});

it('rows that end with \\r\\n are cut after both', async () => {
  const parts = await partsOf('aaa\r\nbbb\r\nccc\r\n', { chunks: 5, newline: '\r\n' });
  expect(parts).toEqual(both(['aaa\r\n', 'bbb\r\n', '', 'ccc\r\n', '']));
});

it('a pattern in the name of an object finds it', async () => {
  await executor.current.storage.put('dir/one.csv', '1');
  await executor.current.storage.put('dir/two.csv', '2');
  await executor.current.storage.put('dir/three.txt', '3');
  expect(await textsOf('dir/*.csv', {})).toEqual(['1', '2']);
});

describe('many objects', () => {
  beforeAll(async () => {
    const rows = (name: string): string => Array.from({ length: 20 }, (_, row) => `${name}${row}\n`).join('');
    await mkdir(join(folder.path, 'many'));
    for (let index = 0; index < 30; index += 1) {
      const name = `n${String(index).padStart(2, '0')}-`;
      await writeFile(join(folder.path, 'many', name), rows(name));
      await executor.current.storage.put(`many/${name}`, rows(name));
    }
  });

  it.each(['./many/', 'many/'])('of %s are given in one order, every time', async (source) => {
    const names = async (): Promise<string[]> => {
      const all: string[] = [];
      for await (const { name, part } of executor.current.partitions(objects(source, { chunks: 3 }))) {
        all.push(`${name}#${part}`);
      }
      return all;
    };
    const once = await names();
    expect(once).toHaveLength(90);
    expect(once).toEqual(once.toSorted());
    expect(await names()).toEqual(once);
  });

  it('are reduced each by itself, with its own parts and no other', async () => {
    const reduced = executor.current.mapReduce(
      (part: Partition) => part.text(),
      objects(['./many/', 'many/'], { chunks: 3 }),
      (texts) => texts.join(''),
      { reduceBy: 'object' },
    );
    const byObject = [...(await reduced)];
    expect(byObject).toHaveLength(60);
    for (const [name, text] of byObject) {
      const prefix = name.split('/').at(-1);
      expect(text).toBe(Array.from({ length: 20 }, (_, row) => `${prefix}${row}\n`).join(''));
    }
  });
});

describe('URLs', () => {
  let server: Server;
  const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const linesOf = async (source: string): Promise<readonly string[][]> =>
    executor.current.map(async (part: Partition) => {
      const lines: string[] = [];
      for await (const line of part.lines()) lines.push(line);
      return lines;
    }, objects(source));
  const answers: Record<string, RequestListener> = {
    '/plain': (_request, response) => response.end('four\nfive'),
    // Chunked: no content-length.
    '/no-length': (_request, response) => void (response.write('no '), response.end('length')),
    '/moved': (_request, response) => response.writeHead(301, { location: '/plain' }).end('moved, says a page'),
    '/error': (_request, response) => response.writeHead(400).end('an error page'),
  };
  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = answers[request.url ?? ''];
      if (answer === undefined) response.writeHead(404).end('a page of the 404 kind');
      else answer(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });

  it('without a content-length are read', async () => {
    expect(await textsOf(url('/no-length'), { chunks: 3 })).toEqual(['no length']);
  });

  it('that redirect have the size of where they lead', async () => {
    const parts: Partition[] = [];
    for await (const part of executor.current.partitions(objects(url('/moved')))) parts.push(part);
    expect(parts.map(({ size }) => size)).toEqual([9]);
    expect(await parts[0]?.text()).toBe('four\nfive');
  });

  it.each(['/error', '/nowhere'])('whose answer is an error (%s) fail; the page is no data', async (path) => {
    const job = executor.current.map((part: Partition) => part.text(), objects(url(path)));
    expect((await rejection(job)).code).toMatch(/^DATASET_(NOT_FOUND|UNREADABLE)$/);
    expect(job.progress.settled).toBe(0);
  });

  it('that cannot be reached, and paths that are not there, fail; they are not passed over', async () => {
    const error = await rejection(
      executor.current.map((part: Partition) => part.text(), objects([url('/nowhere'), './nowhere', url('/plain')])),
    );
    expect(error.message).toMatch(/2 of 3 sources.*\/nowhere.*\/nowhere/s);
  });

  it('give their lines, as files and objects do', async () => {
    expect(await linesOf(url('/plain'))).toEqual([['four', 'five']]);
    await writeFile(join(folder.path, 'lines'), 'one\ntwo\n');
    expect(await linesOf('./lines')).toEqual([['one', 'two']]);
    await executor.current.storage.put('lines', 'one\ntwo');
    expect(await linesOf('lines')).toEqual([['one', 'two']]);
  });

  it('beside paths and objects in one list: all are read, in the order in which they are named', async () => {
    await writeFile(join(folder.path, 'a path'), 'a path');
    await executor.current.storage.put('an object', 'an object');
    const sources = ['an object', url('/plain'), './a path', url('/no-length')];
    const read = await executor.current.map((part: Partition) => part.text(), objects(sources));
    expect(read).toEqual(['an object', 'four\nfive', 'a path', 'no length']);
  });
});
