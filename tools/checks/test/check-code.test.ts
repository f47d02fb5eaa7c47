import { expect, test } from 'vitest';
import { checkCode } from '../src/docs/check-code.ts';

const SOURCE = `before();
  // #region use
  const a = 1; // shown
  measure(); // not shown
  use(a);
  // #endregion
after();
`;
const read = (file: string): string | undefined => (file === 'x.ts' ? SOURCE : undefined);
const block = (name: string, code: string): string => `Text.\n\n<!-- code: ${name} -->\n\n\`\`\`ts\n${code}\n\`\`\`\n`;

test.each([
  ['the same code is no problem', block('x.ts#use', 'const a = 1; // shown\nuse(a);'), []],
  ['other code is one', block('x.ts#use', 'const a = 2; // shown\nuse(a);'), ['D.md:3']],
  ['so is a region that is not there', block('x.ts#abuse', 'use(a);'), ['D.md:3']],
  ['and a file that is not there', block('y.ts#use', 'use(a);'), ['D.md:3']],
  ['and code that says nothing of its place', '```ts\nuse(a);\n```\n', ['D.md']],
])('%s', (_, text, places) => {
  expect(checkCode('D.md', text, true, read).map(({ where }) => where)).toEqual(places);
});

test('where it need not say, code may be without a place', () => {
  expect(checkCode('D.md', '```ts\nuse(a);\n```\n', false, read)).toEqual([]);
});
