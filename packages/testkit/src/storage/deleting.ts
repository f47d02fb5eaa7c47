import { describe, expect, it } from 'vitest';
import { isSplitrockError } from '@splitrock/core/plugin';
import { listKeys, rejectionOf, text, codeOf } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

export function deletingTests(suite: SuiteContext): void {
  const putAll = async (names: readonly string[]): Promise<{ prefix: string; keys: string[] }> => {
    const prefix = suite.freshPrefix();
    const keys = names.map((name) => prefix + name);
    await Promise.all(keys.map((key) => suite.storage.put(key, text(key))));
    return { prefix, keys };
  };

  describe('delete', () => {
    it('removes an object', async () => {
      const { prefix, keys } = await putAll(['a', 'b']);
      await suite.storage.delete(keys[0] as string);
      expect(await suite.storage.head(keys[0] as string)).toBeUndefined();
      expect(
        isSplitrockError(await rejectionOf(suite.storage.get(keys[0] as string)), 'STORAGE_OBJECT_NOT_FOUND'),
      ).toBe(true);
      expect(await listKeys(suite.storage.list(prefix))).toEqual([keys[1]]);
    });

    it('succeeds for what is not there, and again', async () => {
      const { keys } = await putAll(['a']);
      for (let round = 0; round < 3; round++) expect(await suite.storage.delete(keys[0] as string)).toBeUndefined();
      expect(await suite.storage.delete(`${suite.freshPrefix()}never/there`)).toBeUndefined();
    });

    it('lets the key be used again', async () => {
      const { keys } = await putAll(['deep/down/a']);
      const key = keys[0] as string;
      for (let round = 0; round < 5; round++) {
        await suite.storage.delete(key);
        expect(await suite.storage.put(key, text('again'), { ifAbsent: true })).toEqual({ created: true });
      }
      expect((await suite.storage.get(key)).length).toBe(5);
    });

    it('does not disturb puts beside it', async () => {
      const prefix = suite.freshPrefix();
      const other = await suite.openAnother();
      const rounds = Array.from({ length: 40 }, (_, round) => round);
      const churn = async (client: typeof other, name: string): Promise<void> => {
        for (const round of rounds) {
          await client.put(`${prefix}x/y/z/${name}${round}`, text('x'));
          await client.delete(`${prefix}x/y/z/${name}${round}`);
        }
      };
      await Promise.all([churn(suite.storage, 'a'), churn(other, 'b'), churn(other, 'c')]);
      expect(await listKeys(suite.storage.list(prefix))).toEqual([]);
    });
  });

  describe('deleteMany', () => {
    it.each<[string, (keys: string[]) => Iterable<string> | AsyncIterable<string>]>([
      ['an array', (keys) => keys],
      ['a set', (keys) => new Set(keys)],
      ['a generator', (keys) => keys.values()],
      ['an async generator', (keys) => asynchronous(keys)],
      ['duplicates', (keys) => [...keys, ...keys]],
      ['keys that are not there', (keys) => [...keys, ...keys.map((key) => `${key}-missing`)]],
    ])('takes %s', async (_name, toKeys) => {
      const { prefix, keys } = await putAll(['a', 'b', 'c/d', 'keep']);
      expect(await suite.storage.deleteMany(toKeys(keys.slice(0, 3)))).toBeUndefined();
      expect(await listKeys(suite.storage.list(prefix))).toEqual([keys[3]]);
    });

    it('takes no keys at all', async () => {
      expect(await suite.storage.deleteMany([])).toBeUndefined();
    });

    it('takes a listing of the very objects', async () => {
      const { prefix } = await putAll(Array.from({ length: 50 }, (_, index) => `n/${index}`));
      const listing = suite.storage.list(prefix);
      await suite.storage.deleteMany(
        (async function* () {
          for await (const { key } of listing) yield key;
        })(),
      );
      expect(await listKeys(suite.storage.list(prefix))).toEqual([]);
    });

    it('names all keys that failed in one error and removes the others', async () => {
      const { prefix, keys } = await putAll(['a', 'b']);
      const tooLong = 'x'.repeat(suite.storage.limits.maxKeyBytes + 1);
      const error = await rejectionOf(suite.storage.deleteMany([keys[0] as string, '', keys[1] as string, tooLong]));
      expect(codeOf(error)).toBe('STORAGE_INVALID_KEY');
      expect(error).toMatchObject({
        details: {
          failures: [
            { key: '', code: 'STORAGE_INVALID_KEY' },
            { key: tooLong, code: 'STORAGE_INVALID_KEY' },
          ],
        },
      });
      expect(await listKeys(suite.storage.list(prefix))).toEqual([]);
    });

    it('rejects with the error of the keys’ source', async () => {
      const { keys } = await putAll(['a', 'b']);
      const failure = new Error('no more keys');
      expect(await rejectionOf(suite.storage.deleteMany(failing(keys, failure)))).toBe(failure);
    });
  });
}

async function* asynchronous(keys: readonly string[]): AsyncGenerator<string, void, void> {
  yield* keys;
}

async function* failing(keys: readonly string[], failure: Error): AsyncGenerator<string, void, void> {
  yield* keys;
  throw failure;
}
