import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeValue } from '../codec/codec.ts';
import { loadFunction } from './load-function.ts';
import { packSelfContainedFunction } from './self-contained.ts';

it('packs a function that a worker loads and calls', async () => {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'splitrock-self-contained-'));
  try {
    const packed = packSelfContainedFunction(
      String((item: number, context: { factor: number }) => item * context.factor),
    );
    const loaded = await loadFunction({ ...packed, cacheDirectory });
    expect(loaded.call(loaded.decodeInput(encodeValue(7)), { factor: 6 })).toBe(42);
  } finally {
    await rm(cacheDirectory, { recursive: true });
  }
});
