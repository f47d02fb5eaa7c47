import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareStorageKeys } from '@splitrock/core/plugin';
import { OBJECT_MARK, decodePiece, encodePiece, keyToPath } from './key-paths.ts';

const namesOf = (key: string): string[] => {
  const { folders, rest } = keyToPath(key);
  return [...folders, OBJECT_MARK + encodePiece(rest)];
};

/** The key back from its names: what a listing does, name by name. */
function keyOf(names: readonly string[]): string {
  let key = '';
  for (const name of names) key += (decodePiece(name.slice(2)) ?? '<foreign>') + (name.startsWith('d-') ? '/' : '');
  return key;
}

const anyKey = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.constantFrom('', '.', '..', 'a.', 'x'.repeat(190), 'NUL'),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((pieces) => pieces.join('/'));

describe('keyToPath', () => {
  it.each<[string, string]>([
    ['jobs/a1/job', 'd-jobs/d-a1/o-job'],
    ['jobs', 'o-jobs'],
    ['A/../é', 'd-%41/d-.%2e/o-%c3%a9'],
    ['a//', 'd-a/d-/o-'],
    ['/', 'd-/o-'],
    ['a.b.', 'o-a.b%2e'],
    ['a\0b c%', 'o-a%00b%20c%25'],
    ['x'.repeat(189), `o-${'x'.repeat(189)}`],
    ['x'.repeat(190), `c-${'x'.repeat(190)}/o-`],
    ['x'.repeat(500), `c-${'x'.repeat(190)}/c-${'x'.repeat(190)}/o-${'x'.repeat(120)}`],
    [`${'x'.repeat(200)}/y`, `c-${'x'.repeat(190)}/d-${'x'.repeat(10)}/o-y`],
  ])('maps %j to %s', (key, path) => {
    expect(namesOf(key).join('/')).toBe(path);
  });

  it('can be undone for every key', () => {
    fc.assert(fc.property(anyKey, (key) => keyOf(namesOf(key)) === key));
  });

  it('makes names that every file system takes and keeps apart', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        for (const name of namesOf(key)) {
          expect(name.length).toBeLessThanOrEqual(255);
          expect(name).toMatch(/^[doc]-[a-z0-9_.%-]*$/);
          expect(name.endsWith('.')).toBe(false);
        }
      }),
    );
  });

  it('cuts long pieces where their beginning says, so that keys with one beginning share their folders', () => {
    const piece = fc.string({ unit: 'binary', minLength: 50, maxLength: 250 }).map((text) => text.replaceAll('/', '_'));
    fc.assert(
      fc.property(piece, piece, (beginning, end) => {
        const { folders } = keyToPath(beginning);
        expect(keyToPath(beginning + end).folders.slice(0, folders.length)).toEqual(folders);
      }),
    );
  });
});

describe('decodePiece', () => {
  it.each(['A', 'a b', 'a.', '%41%', '%zz', '%C3%A9', '%61', '%c3', 'é'])('refuses the foreign name %j', (name) => {
    expect(decodePiece(name)).toBeUndefined();
  });
});

describe('compareStorageKeys', () => {
  it('agrees with the order of UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 6 });
    fc.assert(
      fc.property(text, text, text, (beginning, left, right) => {
        const byBytes = Buffer.compare(Buffer.from(beginning + left), Buffer.from(beginning + right));
        expect(Math.sign(compareStorageKeys(beginning + left, beginning + right))).toBe(byBytes);
      }),
    );
  });
});
