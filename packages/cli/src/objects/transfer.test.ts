import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { abortable } from '@splitrock/core/plugin';
import { counted, fileOfKey, moveAll, planUploads } from './transfer.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'splitrock-transfer-'));
  mkdirSync(join(folder, 'data/deep'), { recursive: true });
  writeFileSync(join(folder, 'data/b.txt'), 'b');
  writeFileSync(join(folder, 'data/deep/a.txt'), 'aa');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('planUploads', () => {
  it.each([
    ['data/b.txt', undefined, ['b.txt']],
    ['data/b.txt', 'in/', ['in/b.txt']],
    ['data/b.txt', 'other', ['other']],
    ['data', 'in/', ['in/b.txt', 'in/deep/a.txt']],
  ])('%s to %s', async (path, key, keys) => {
    expect((await planUploads(join(folder, path), key)).map((item) => item.key)).toEqual(keys);
  });

  it('does not follow links out of a folder', async () => {
    symlinkSync('/etc/hostname', join(folder, 'data/link'));
    expect((await planUploads(join(folder, 'data'), 'in/')).map((item) => item.key)).toEqual([
      'in/b.txt',
      'in/deep/a.txt',
    ]);
  });

  it('refuses a folder without a prefix, and what is not there', async () => {
    await expect(planUploads(join(folder, 'data'), undefined)).rejects.toThrow(
      'is a folder; give a prefix that ends in /',
    );
    await expect(planUploads(join(folder, 'nope'), undefined)).rejects.toThrow('There is no file or folder ');
  });
});

describe('fileOfKey', () => {
  it.each([
    ['in/a.txt', 'a.txt'],
    ['in/x/../a.txt', 'a.txt'],
    ['in/x/a.txt', 'x/a.txt'],
  ])('%s', (key, name) => {
    expect(fileOfKey('/safe', 'in/', key)).toBe(`/safe/${name}`);
  });

  it.each(['in/../../etc/passwd', 'in//etc/passwd', 'in/..', 'in/'])('refuses %s', (key) => {
    expect(() => fileOfKey('/safe', 'in/', key)).toThrow('would be written outside of /safe');
  });
});

it('counts chunks as they pass', async () => {
  async function* chunks() {
    yield new Uint8Array(2);
    yield new Uint8Array(3);
  }
  const seen: number[] = [];
  const passed: number[] = [];
  for await (const chunk of counted(chunks(), (bytes) => seen.push(bytes))) passed.push(chunk.length);
  expect([passed, seen]).toEqual([
    [2, 3],
    [2, 3],
  ]);
});

describe('moveAll', () => {
  const { signal } = new AbortController();

  it('moves each once, in order of their beginning, and adds up their bytes', async () => {
    const began: number[] = [];
    let bytes = 0;
    const items = Array.from({ length: 30 }, (_, index) => index);
    await moveAll(items, { onBytes: (more) => (bytes += more), signal }, async (item, { onProgress }) => {
      began.push(item);
      for (const done of [1, 5, 10]) {
        onProgress?.({ bytes: done, totalBytes: 10 });
        await Promise.resolve();
      }
    });
    expect(began).toEqual(items);
    expect(bytes).toBe(300);
  });

  it('ends with the first that fails: the others are told to stop, no more begin', async () => {
    const failure = new Error('no space');
    const began: number[] = [];
    const moving = moveAll([0, 1, 2, 3, 4, 5], { onBytes: () => undefined, signal }, async (item, options) => {
      began.push(item);
      if (item === 2) throw failure;
      await abortable(new Promise(() => undefined), options.signal);
    });
    await expect(moving).rejects.toBe(failure);
    expect(began).toEqual([0, 1, 2, 3]);
  });
});
