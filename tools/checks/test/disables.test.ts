import { expect, test } from 'vitest';
import { checkDisables } from '../src/comments/check-disables.ts';

test.each([
  ['// oxlint-disable-next-line no-var -- the fixture needs the hoisting\nvar a = 1;', []],
  ['const text = "// oxlint-disable-next-line no-var";', []],
  ['let a;\n// oxlint-disable-next-line no-var\nvar b = 1;', ['x.ts:2']],
  ['/* eslint-disable no-var */', ['x.ts:1']],
])('%j', (source, places) => {
  expect(checkDisables('x.ts', source).map(({ where }) => where)).toEqual(places);
});
