import { expect, test } from 'vitest';
import { checkReferences } from '../src/boundaries/check-references.ts';
import type { Project } from '../src/workspace.ts';

const core: Project = { folder: 'packages/core', manifest: { name: '@splitrock/core', version: '0.1.0' } };
const cli: Project = {
  folder: 'packages/cli',
  manifest: { name: '@splitrock/cli', version: '0.1.0', dependencies: { '@splitrock/core': '0.1.0', zod: '4.6.7' } },
};
const whatOf = (references: string[]) =>
  checkReferences(
    [core, cli],
    new Map([
      ['packages/core', []],
      ['packages/cli', references],
    ]),
  ).map(({ what }) => what);

test('a reference for every dependency of ours is right', () => {
  expect(whatOf(['../core/tsconfig.build.json'])).toEqual([]);
});

test('a missing reference is found', () => {
  expect(whatOf([])).toEqual(['must refer to packages/core/tsconfig.build.json, a dependency.']);
});

test('a reference without a dependency is found, and so is one to the wrong project', () => {
  expect(whatOf(['../core/tsconfig.build.json', '../core/tsconfig.json'])).toEqual([
    'refers to packages/core/tsconfig.json, which is no dependency.',
  ]);
});

test('a package that is not compiled is left alone', () => {
  expect(checkReferences([core, cli], new Map([['packages/core', []]]))).toEqual([]);
});
