import { expect, test } from 'vitest';
import { importsOf } from '../src/boundaries/imports.ts';

const source = `
import { a } from './a.ts';
import type { B } from './b.ts';
import './c.ts';
export * from './d.ts';
export { e } from './e.ts';
export type { F } from './f.ts';
const g = await import('./g.ts');
type H = import('./h.ts').H;
import { type I } from './i.ts';
// import { comment } from './comment.ts';
const text = "import './text.ts'";
const computed = await import(text);
export const local = 1;
`;

test('finds every form of import with its line, and nothing in comments and strings', () => {
  const found = importsOf('x.ts', source).toSorted((one, other) => one.line - other.line);
  expect(found.map(({ specifier, line, typeOnly }) => [specifier, line, typeOnly])).toEqual([
    ['./a.ts', 2, false],
    ['./b.ts', 3, true],
    ['./c.ts', 4, false],
    ['./d.ts', 5, false],
    ['./e.ts', 6, false],
    ['./f.ts', 7, true],
    ['./g.ts', 8, false],
    ['./h.ts', 9, true],
    // With verbatimModuleSyntax `import { type I }` still loads the module.
    ['./i.ts', 10, false],
  ]);
});

test('refuses a file it cannot read rather than finding nothing in it', () => {
  expect(() => importsOf('x.ts', 'import {')).toThrow(/x\.ts cannot be parsed/);
});
