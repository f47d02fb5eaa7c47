/** The readers of files and URLs give every byte and every row once; those of storages are in the storage suite. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CUT_EXAMPLES, cutCases, troubleWithParts, type CutCase } from '../../src/datasets/contents.ts';
import { ObjectServer } from './object-server.ts';
import { partitions } from './reading.ts';

let folder = '';
let server: ObjectServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splitrock-readers-'));
  server = await ObjectServer.start();
});
beforeEach(() => server.reset());
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Offers a content; returns the source that has it. */
const READERS: Record<
  string,
  {
    readonly runs: number;
    readonly longRowBytes: number;
    readonly offer: (content: CutCase['content'], seed: number) => Promise<string>;
  }
> = {
  'a file': {
    runs: 100,
    longRowBytes: 50_000_000,
    async offer(content) {
      const path = join(folder, 'object');
      await writeFile(path, content);
      return path;
    },
  },
  'a URL with ranges': {
    runs: 40,
    longRowBytes: 50_000_000,
    async offer(content) {
      server.content = content;
      return server.url;
    },
  },
  'a URL with ranges whose connections are cut': {
    runs: 30,
    longRowBytes: 1_000_000,
    async offer(content, seed) {
      server.content = content;
      for (let cut = 0; cut < 30; cut += 1) server.faults.push({ cutAfter: (seed + 7 * cut) % 9 });
      return server.url;
    },
  },
  'a URL without ranges': {
    runs: 30,
    longRowBytes: 50_000_000,
    async offer(content) {
      server.content = content;
      server.ranges = false;
      return server.url;
    },
  },
  'a URL without ranges whose connections are cut, behind redirects': {
    runs: 30,
    longRowBytes: 1_000_000,
    async offer(content, seed) {
      server.content = content;
      server.ranges = false;
      for (let cut = 1; cut < 4; cut += 1) server.faults.push({ cutAfter: cut * (seed % 20) });
      return `${server.origin}/redirect/2`;
    },
  },
};

describe.each(Object.entries(READERS))('%s', (_name, { runs, longRowBytes, offer }) => {
  const expectExact = async (given: CutCase, seed = 5): Promise<void> => {
    server.reset();
    const source = await offer(given.content, seed);
    expect(await troubleWithParts(source, given, partitions)).toBeUndefined();
  };

  it('has every byte and every row once, in order, whatever is in it and however it is cut', async () => {
    await fc.assert(fc.asyncProperty(cutCases, fc.nat(100), expectExact), { numRuns: runs });
  });

  it.each(CUT_EXAMPLES)('is exact with %s', async (_what, content, newline) => {
    await expectExact({ content, newline: Buffer.from(newline), cut: { chunks: 5 } });
    await expectExact({ content, newline: Buffer.from(newline), cut: { chunkBytes: 1 } });
  });

  it('is exact with a row far longer than its parts', async () => {
    const content = Buffer.alloc(longRowBytes + 20, 'x');
    content.write('first row\n');
    content.write('\nlast', content.length - 5);
    await expectExact({ content, newline: Buffer.from('\n'), cut: { chunks: 6 } });
  }, 60_000);
});
