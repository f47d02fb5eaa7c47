import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asText, inKeyOrder, listKeys, readAll, rejectionOf, text, codeOf } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

/** Keys that file systems, URLs, XML, globs, shells and string comparisons get wrong. */
export const HOSTILE_KEYS: readonly string[] = [
  ['a', 'a/', 'a/b', 'a//b', 'a/b/', '/', '//', '/a', 'a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p'],
  ['.', '..', '../up', 'a/../b', 'a/./b', '/etc/passwd', '~', '~/x', 'C:\\x', 'a\\b', '..\\..\\x'],
  ['A', 'AA', 'aA', 'Straße', 'STRASSE', 'straße', 'I', 'ı', 'İ'],
  ['é', 'e\u0301', 'ﬁ', 'fi', 'ｆ', '\u200b', '\ufeff', '\u202e', '日本語', '한글', '\u1112\u1161\u11ab'],
  ['😀', '😀/😀', '\uffff', '\ue000', '\u{10ffff}', '\u{10000}'],
  [' ', ' a', 'a ', 'a.', 'a..', 'a. ', '.a', '..a', '...', 'a\tb', 'a\nb', 'a\r\nb', '\u007f', '\u0001', '\0', 'a\0b'],
  ['%', '%41', '%2F', '%2f', 'a%2fb', '%00', '%%', '+', 'a+b', 'a b', '&amp;', '<x>', '"', "'", '`', '$(x)', ';'],
  ['*', '?', '[a]', '{a,b}', '!', '#', 'a?b=c', 'a#b', '|', ':', '=', ',', '@', '^'],
  ['con', 'nul', 'nul.txt', 'aux', 'com1', 'lpt1', 'prn'],
  ['o-a', 'd-a', 'd-a/o-b', 'c-a', '__proto__', 'constructor', 'toString', '-rf', '--', '0', '-1'],
].flat();

export function keyTests(suite: SuiteContext): void {
  describe('keys', () => {
    it('keeps hostile keys apart and gives each back', async () => {
      const prefix = suite.freshPrefix();
      await Promise.all(HOSTILE_KEYS.map((key) => suite.storage.put(prefix + key, text(key))));
      const check = async (key: string): Promise<void> => {
        expect(asText(await suite.storage.get(prefix + key)), JSON.stringify(key)).toBe(key);
        expect(asText(await readAll(suite.storage.getStream(prefix + key)))).toBe(key);
        expect(await suite.storage.head(prefix + key)).toMatchObject({ key: prefix + key, size: text(key).length });
      };
      await Promise.all(HOSTILE_KEYS.map(check));
      const wanted = inKeyOrder(HOSTILE_KEYS.map((key) => prefix + key));
      expect(await listKeys(suite.storage.list(prefix))).toEqual(wanted);
      await suite.storage.deleteMany(wanted);
      expect(await listKeys(suite.storage.list(prefix))).toEqual([]);
    });

    it('takes hostile keys that nothing stands before', async () => {
      const keys = HOSTILE_KEYS.filter((key) => !key.startsWith('t0'));
      await Promise.all(keys.map((key) => suite.storage.put(key, text(key))));
      for (const key of keys) expect(asText(await suite.storage.get(key)), JSON.stringify(key)).toBe(key);
      await suite.storage.deleteMany(keys);
      for (const key of keys) expect(await suite.storage.head(key), JSON.stringify(key)).toBeUndefined();
    });

    it('removes an object without those whose keys continue its key', async () => {
      const prefix = suite.freshPrefix();
      for (const key of ['a', 'a/b', 'a/b/c', 'ab']) await suite.storage.put(prefix + key, text(key));
      await suite.storage.delete(`${prefix}a/b`);
      expect(await listKeys(suite.storage.list(prefix))).toEqual([`${prefix}a`, `${prefix}a/b/c`, `${prefix}ab`]);
      await suite.storage.delete(`${prefix}a`);
      expect(asText(await suite.storage.get(`${prefix}a/b/c`))).toBe('a/b/c');
    });

    it('takes the longest keys that it says it takes', async () => {
      const { maxKeyBytes } = suite.storage.limits;
      expect(maxKeyBytes).toBeGreaterThanOrEqual(512);
      const prefix = suite.freshPrefix();
      const room = maxKeyBytes - prefix.length;
      const keys = [
        'x'.repeat(room),
        'A'.repeat(room),
        'é'.repeat(Math.floor(room / 2)),
        '😀'.repeat(Math.floor(room / 4)),
      ];
      keys.push('/'.repeat(room), 'a/'.repeat(Math.floor(room / 2)), 'x'.repeat(room - 1), `${'x'.repeat(room - 1)}/`);
      for (const key of keys) await suite.storage.put(prefix + key, text(key.slice(0, 8)));
      for (const key of keys) expect(asText(await suite.storage.get(prefix + key))).toBe(key.slice(0, 8));
      expect(await listKeys(suite.storage.list(prefix))).toEqual(inKeyOrder(keys.map((key) => prefix + key)));
    });

    it('behaves like a map for random keys', async () => {
      const piece = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.constantFrom('a', 'A', '..', '', '%', '😀'),
      );
      const key = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('/'));
      const objects = fc.dictionary(key, fc.uint8Array({ maxLength: 64 }), { maxKeys: 8, noNullPrototype: true });
      await fc.assert(
        fc.asyncProperty(objects, async (model) => {
          const prefix = suite.freshPrefix();
          const keys = Object.keys(model).filter((candidate) => candidate !== '');
          await Promise.all(keys.map((each) => suite.storage.put(prefix + each, model[each] as Uint8Array)));
          for (const each of keys) {
            expect([...(await suite.storage.get(prefix + each))]).toEqual([...(model[each] as Uint8Array)]);
          }
          const stored = inKeyOrder(keys.map((each) => prefix + each));
          expect(await listKeys(suite.storage.list(prefix))).toEqual(stored);
          for (const startAfter of stored) {
            const rest = stored.slice(stored.indexOf(startAfter) + 1);
            expect(await listKeys(suite.storage.list(prefix, { startAfter }))).toEqual(rest);
          }
          const [first, ...others] = stored;
          if (first !== undefined) await suite.storage.delete(first);
          expect(await listKeys(suite.storage.list(prefix))).toEqual(others);
          await suite.storage.deleteMany(others);
          expect(await listKeys(suite.storage.list(prefix))).toEqual([]);
        }),
        { numRuns: suite.options.propertyRuns, includeErrorInReport: true },
      );
    });
  });

  describe('keys that no store could hold', () => {
    const badKeys = (): [string, string][] => [
      ['is empty', ''],
      ['has a lone high surrogate', 'a\ud800'],
      ['has a lone low surrogate', '\udc00a'],
      ['is too long', 'x'.repeat(suite.storage.limits.maxKeyBytes + 1)],
      ['is too long in UTF-8 only', 'é'.repeat(Math.ceil((suite.storage.limits.maxKeyBytes + 1) / 2))],
    ];

    it.each([
      'is empty',
      'has a lone high surrogate',
      'has a lone low surrogate',
      'is too long',
      'is too long in UTF-8 only',
    ])('are refused by every method: the key %s', async (problem) => {
      const key = badKeys().find(([name]) => name === problem)?.[1] as string;
      const { storage } = suite;
      const attempts = [
        storage.put(key, text('x')),
        storage.put(key, text('x'), { ifAbsent: true }),
        storage.get(key),
        readAll(storage.getStream(key)),
        storage.head(key),
        storage.delete(key),
        storage.deleteMany([key]),
      ];
      for (const error of await Promise.all(attempts.map(rejectionOf))) {
        expect(codeOf(error)).toBe('STORAGE_INVALID_KEY');
      }
    });

    it('are refused before the body is touched', async () => {
      let touched = false;
      const body: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]() {
          touched = true;
          throw new Error('the body was read');
        },
      };
      expect(codeOf(await rejectionOf(suite.storage.put('', body)))).toBe('STORAGE_INVALID_KEY');
      expect(touched).toBe(false);
    });
  });
}
