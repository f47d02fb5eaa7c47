import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERROR_CODES } from './error-codes.ts';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8');

/** The rows of the page that describe a code: its name, when it is raised, what to do. */
const rows = page.split('\n').flatMap((line) => {
  const [, code, when, remedy] = /^\| `([A-Z_]+)`\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|$/.exec(line) ?? [];
  return code === undefined || when === undefined || remedy === undefined ? [] : [{ code, when, remedy }];
});

test('docs/errors.md describes every code, once and with the same meaning, and no other', () => {
  expect(Object.fromEntries(rows.map(({ code, when }) => [code, when]))).toEqual(ERROR_CODES);
  expect(rows).toHaveLength(Object.keys(ERROR_CODES).length);
});

test('docs/errors.md says for every code what to do', () => {
  expect(rows.filter(({ remedy }) => remedy === '')).toEqual([]);
});
