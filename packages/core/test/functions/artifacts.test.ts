/** What is uploaded: nothing of the user's that the function does not use, and nothing that is run when damaged. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadFunction } from '../../src/functions/load-function.ts';
import { roundTrip, shipper, temporaryFolder } from './harness/round-trip.ts';

const unreferenced = 'MARKER-UNREFERENCED';
const token = process.env['SPLITROCK_TEST_TOKEN'] ?? 'MARKER-DEFAULT';
const config = { visible: 'MARKER-CAPTURED' };
process.env['SPLITROCK_TEST_SECRET'] = 'MARKER-ENVIRONMENT';

/** MARKER-COMMENT */
const useConfig = (): string => {
  // MARKER-INNER-COMMENT
  return `${config.visible}${process.env['HOME'] ?? ''}`;
};
void unreferenced;
void token;

describe('what is uploaded', () => {
  it('holds no value that the function does not capture, no comment, no environment and no path', async () => {
    const environment = process.env;
    const { shipped } = await roundTrip(() => [useConfig(), environment['HOME']]);
    const code = gunzipSync(shipped.artifact).toString('latin1');
    const values = Buffer.from(shipped.environment).toString('latin1');
    const manifest = Buffer.from(shipped.manifest).toString('latin1');
    for (const text of [code, values, manifest]) {
      for (const marker of [
        'MARKER-UNREFERENCED',
        'MARKER-DEFAULT',
        'COMMENT',
        'MARKER-ENVIRONMENT',
        import.meta.dirname,
        process.cwd(),
        'artifacts.test',
      ]) {
        expect(text).not.toContain(marker);
      }
    }
    expect(values).toContain('MARKER-CAPTURED');
    expect(code).not.toContain('MARKER-CAPTURED');
  });

  it('holds nothing of the memory that a captured Buffer shares with others', async () => {
    const [before, mine, after] = ['MARKER-BEFORE', 'mine', 'MARKER-AFTER'].map((text) => Buffer.from(text));
    const view = mine === undefined ? undefined : new Uint8Array(mine.buffer, mine.byteOffset, mine.length);
    expect(before?.buffer).toBe(mine?.buffer);
    const { shipped, run } = await roundTrip(() => [mine?.toString(), mine?.subarray(1).toString(), view?.length]);
    expect(Buffer.from(shipped.environment).toString('latin1')).not.toContain('MARKER');
    expect(await run()).toEqual(['mine', 'ine', 4]);
    expect(after?.toString()).toBe('MARKER-AFTER');
  });

  it('holds no path of a bundled CommonJS module either', async () => {
    // @ts-expect-error it has no types
    const bundled = await roundTrip(async () => import('./packages/tiny-cjs/index.js'));
    expect(gunzipSync(bundled.shipped.artifact).toString()).not.toMatch(/"[^"]*tiny-cjs[^"]*"\(/);
  });

  it('is the same for equal functions, and does not depend on captured values', async () => {
    const make = (factor: number) => (x: number) => x * factor;
    const own = shipper();
    const [one, two] = await Promise.all([own.ship(own.capture(make(1))), own.ship(own.capture(make(2)))]);
    expect(one.sha256).toBe(two.sha256);
    expect(createHash('sha256').update(one.artifact).digest('hex')).toBe(one.sha256);
    expect(Buffer.from(one.environment).equals(two.environment)).toBe(false);
  });
});

describe('what a worker loads', () => {
  const captured = { list: [1, 2, 3], at: new Date(0), map: new Map([['k', /x/]]) };
  const helper = (x: number): number => x + captured.list.length;
  const ship = async () => {
    const own = shipper();
    return own.ship(own.capture((x: number) => [helper(x), captured.at, captured.map.size]));
  };

  it('is checked before it is evaluated: any changed byte of the artifact is refused', async () => {
    const shipped = await ship();
    const cacheDirectory = await temporaryFolder();
    const reach = globalThis as { evaluated?: number };
    reach.evaluated = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(shipped.artifact.length - 1), fc.integer({ min: 1, max: 255 }), async (index, change) => {
        const artifact = Uint8Array.from(shipped.artifact);
        artifact[index] = (artifact[index] as number) ^ change;
        await expect(loadFunction({ ...shipped, artifact, cacheDirectory })).rejects.toMatchObject({
          code: 'DATA_CORRUPT',
        });
      }),
      { numRuns: 60 },
    );
    expect(await readdir(cacheDirectory)).toEqual([]);
  });

  it('is refused when cut off, or when it is no artifact though its hash is right', async () => {
    const shipped = await ship();
    const cacheDirectory = await temporaryFolder();
    const hashed = (artifact: Uint8Array) => ({
      ...shipped,
      artifact,
      sha256: createHash('sha256').update(artifact).digest('hex'),
      cacheDirectory,
    });
    await expect(
      loadFunction({ ...shipped, artifact: shipped.artifact.subarray(0, 100), cacheDirectory }),
    ).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
    await expect(loadFunction(hashed(shipped.artifact.subarray(0, 100)))).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
    });
    await expect(loadFunction(hashed(new Uint8Array([1, 2, 3])))).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
    await expect(loadFunction(hashed(gzipSync('export const v = 2;')))).rejects.toMatchObject({ code: 'DATA_VERSION' });
    await expect(loadFunction(hashed(gzipSync('export const v = 1;')))).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
  });

  it('is unpacked anew when the file in the folder was damaged', async () => {
    const shipped = await ship();
    const first = await temporaryFolder();
    const file = join(first, `${shipped.sha256}.mjs`);
    await writeFile(file, 'throw new Error("damaged")');
    const loaded = await loadFunction({ ...shipped, cacheDirectory: first });
    expect(loaded.call(1, {})).toEqual([4, new Date(0), 1]);
    expect((await readFile(file)).equals(gunzipSync(shipped.artifact))).toBe(true);
    expect((await readdir(first)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
