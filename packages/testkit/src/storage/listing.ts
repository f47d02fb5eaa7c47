import { beforeAll, describe, expect, it } from 'vitest';
import { inKeyOrder, listAll, listKeys, text } from './bytes.ts';
import { CASE_MS, type SuiteContext } from './subject.ts';

/** Clocks of client and store may differ; this much is a wrong unit or a wrong zone. */
const CLOCK_SKEW_MS = 10 * 60 * 1000;

export function listingTests(suite: SuiteContext): void {
  describe('head', () => {
    it('is undefined for what is not there', async () => {
      expect(await suite.storage.head(`${suite.freshPrefix()}missing`)).toBeUndefined();
    });

    it('tells key, size and time of the last write', async () => {
      const key = `${suite.freshPrefix()}object`;
      await suite.storage.put(key, text('12345'));
      const first = await suite.storage.head(key);
      expect(first).toMatchObject({ key, size: 5 });
      expect(Math.abs((first?.modifiedAtMs ?? 0) - Date.now())).toBeLessThan(CLOCK_SKEW_MS);
      await suite.storage.put(key, text('123'));
      const second = await suite.storage.head(key);
      expect(second?.size).toBe(3);
      expect(second?.modifiedAtMs).toBeGreaterThanOrEqual(first?.modifiedAtMs ?? Infinity);
    });
  });

  describe('list', () => {
    let prefix = '';
    const names = ['', 'a', 'a/1', 'a/2', 'a/2/x', 'ab', 'b/1', 'b0', 'c', '\ue000', '\uffff', '😀', '😀/1'];

    beforeAll(async () => {
      prefix = suite.freshPrefix();
      for (const [index, name] of names.entries()) await suite.storage.put(prefix + name, new Uint8Array(index));
    }, CASE_MS);

    const expectKeys = async (under: string, wanted: readonly string[], startAfter?: string): Promise<void> => {
      const options = startAfter === undefined ? {} : { startAfter: prefix + startAfter };
      expect(await listKeys(suite.storage.list(prefix + under, options))).toEqual(wanted.map((name) => prefix + name));
    };

    it('is in the order of the keys’ UTF-8 bytes', async () => {
      await expectKeys('', ['', 'a', 'a/1', 'a/2', 'a/2/x', 'ab', 'b/1', 'b0', 'c', '\ue000', '\uffff', '😀', '😀/1']);
    });

    it('tells key, size and time of each object', async () => {
      for (const info of await listAll(suite.storage.list(prefix))) {
        expect(info.size).toBe(names.indexOf(info.key.slice(prefix.length)));
        expect(Math.abs(info.modifiedAtMs - Date.now())).toBeLessThan(CLOCK_SKEW_MS);
      }
    });

    it.each<[string, string[]]>([
      ['a', ['a', 'a/1', 'a/2', 'a/2/x', 'ab']],
      ['a/', ['a/1', 'a/2', 'a/2/x']],
      ['a/2', ['a/2', 'a/2/x']],
      ['a/2/x', ['a/2/x']],
      ['ab', ['ab']],
      ['b', ['b/1', 'b0']],
      ['😀', ['😀', '😀/1']],
      ['a/2/x/', []],
      ['nothing', []],
      ['..', []],
      ['A', []],
    ])('takes any text as prefix: %j', async (under, wanted) => {
      await expectKeys(under, wanted);
    });

    it.each<[string, string, string[]]>([
      ['a key', 'a/2', ['a/2/x', 'ab', 'b/1', 'b0', 'c', '\ue000', '\uffff', '😀', '😀/1']],
      ['what is not there', 'a/15', ['a/2', 'a/2/x', 'ab', 'b/1', 'b0', 'c', '\ue000', '\uffff', '😀', '😀/1']],
      ['a prefix of keys', 'a/', ['a/1', 'a/2', 'a/2/x', 'ab', 'b/1', 'b0', 'c', '\ue000', '\uffff', '😀', '😀/1']],
      ['the last key but one', '😀', ['😀/1']],
      ['the last key', '😀/1', []],
      ['a text after all', '😀/2', []],
      ['a character above the surrogates', '\uffff', ['😀', '😀/1']],
    ])('goes on after %s', async (_name, startAfter, wanted) => {
      await expectKeys('', wanted, startAfter);
    });

    it('combines prefix and startAfter, wherever that lies', async () => {
      await expectKeys('a/', ['a/2', 'a/2/x'], 'a/1');
      await expectKeys('a/', ['a/1', 'a/2', 'a/2/x'], 'a');
      await expectKeys('a/', [], 'b');
      await expectKeys('b', ['b/1', 'b0'], 'a/2');
      expect(await listKeys(suite.storage.list(`${prefix}b`, { startAfter: '' }))).toEqual([
        `${prefix}b/1`,
        `${prefix}b0`,
      ]);
    });

    it('of the empty prefix lists everything', async () => {
      const all = await listKeys(suite.storage.list(''));
      expect(all).toEqual(inKeyOrder(new Set(all)));
      expect(all).toEqual(expect.arrayContaining(names.map((name) => prefix + name)));
      const rest = all.slice(all.indexOf(`${prefix}c`) + 1);
      expect(await listKeys(suite.storage.list('', { startAfter: `${prefix}c` }))).toEqual(rest);
    });

    it('sees every put and delete that resolved before, also by another client', async () => {
      const other = await suite.openAnother();
      const here = suite.freshPrefix();
      for (let round = 0; round < 10; round++) {
        await other.put(`${here}${round}`, text('x'));
        expect(await listKeys(suite.storage.list(here))).toHaveLength(1);
        await other.delete(`${here}${round}`);
        expect(await listKeys(suite.storage.list(here))).toEqual([]);
      }
    });
  });

  describe('a long list', () => {
    let prefix = '';
    let keys: string[] = [];

    beforeAll(async () => {
      prefix = suite.freshPrefix();
      keys = Array.from(
        { length: suite.options.manyObjects },
        (_, index) => `${prefix}${String(index).padStart(5, '0')}`,
      );
      await inParallel(keys, (key) => suite.storage.put(key, text(key)));
    }, CASE_MS);

    it('has every object once, in order', async () => {
      expect(await listKeys(suite.storage.list(prefix))).toEqual(keys);
    });

    it('can be left early and gone on with', async () => {
      const seen: string[] = [];
      while (seen.length < keys.length) {
        const startAfter = seen.at(-1);
        let taken = 0;
        for await (const { key } of suite.storage.list(prefix, { startAfter })) {
          seen.push(key);
          if (++taken === 400) break;
        }
        if (taken === 0) break;
      }
      expect(seen).toEqual(keys);
    });

    it('has what stays, each once, while others come and go', async () => {
      const other = await suite.openAnother();
      const stop = new AbortController();
      const churn = (async () => {
        for (let round = 0; !stop.signal.aborted; round++) {
          const key = `${prefix}${String((round * 7) % keys.length).padStart(5, '0')}-extra`;
          await other.put(key, text('x'));
          await other.delete(key);
        }
      })();
      try {
        for (let round = 0; round < 3; round++) {
          const listed = await listKeys(suite.storage.list(prefix));
          expect(listed.filter((key) => !key.endsWith('-extra'))).toEqual(keys);
          expect(listed).toEqual(inKeyOrder(new Set(listed)));
        }
      } finally {
        stop.abort();
        await churn;
      }
    });

    it('can be deleted at once', async () => {
      await suite.storage.deleteMany(keys);
      expect(await listKeys(suite.storage.list(prefix))).toEqual([]);
    });
  });
}

async function inParallel(keys: readonly string[], action: (key: string) => Promise<unknown>): Promise<void> {
  const queue = keys[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (const key of queue) await action(key);
    }),
  );
}
