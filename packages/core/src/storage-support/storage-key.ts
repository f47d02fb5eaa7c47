/** What every storage does with keys: the same check before any I/O, and the same order in listings. */
import { StorageError } from '../errors/splitrock-error.ts';
import type { StorageLimits } from '../contracts/storage.ts';

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Refuses keys that no store could hold: empty, not well-formed Unicode, or too long.
 * @throws StorageError `STORAGE_INVALID_KEY`.
 */
export function checkStorageKey(key: string, limits: Pick<StorageLimits, 'maxKeyBytes'>): void {
  const problem = problemOf(key, limits.maxKeyBytes);
  if (problem === undefined) return;
  const shown = typeof key === 'string' ? JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}…` : key) : typeof key;
  throw new StorageError(
    'STORAGE_INVALID_KEY',
    `Storage key is not valid: it ${problem} [key=${shown}]; use another key.`,
    {
      details: { key },
    },
  );
}

function problemOf(key: unknown, maxBytes: number): string | undefined {
  if (typeof key !== 'string') return 'is not a string';
  if (key === '') return 'is empty';
  if (LONE_SURROGATE.test(key)) return 'is not well-formed Unicode';
  // A UTF-16 unit takes at most three bytes, so that most keys need no counting.
  if (key.length * 3 <= maxBytes) return undefined;
  const bytes = Buffer.byteLength(key);
  return bytes > maxBytes ? `has ${bytes} UTF-8 bytes, more than ${maxBytes}` : undefined;
}

/**
 * Compares two well-formed strings as their UTF-8 bytes would compare: the order of `Storage.list`.
 *
 * JavaScript's own `<` compares UTF-16 units and puts supplementary characters (surrogates, 0xD800…) before
 * U+E000…U+FFFF; UTF-8 puts them after.
 */
export function compareStorageKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return utf8Rank(a) - utf8Rank(b);
  }
  return left.length - right.length;
}

const utf8Rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
