import { expect, it } from 'vitest';
import { table } from './table.ts';

it('makes columns as wide as their widest cell and leaves no blanks at the ends', () => {
  expect(
    table(
      ['A', 'LONG'],
      [
        ['wide', ''],
        ['b', 'c'],
      ],
    ),
  ).toEqual(['A     LONG', 'wide', 'b     c']);
  expect(table(['A'], [])).toEqual(['A']);
});
