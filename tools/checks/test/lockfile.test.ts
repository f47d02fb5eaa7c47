import { expect, test } from 'vitest';
import { checkLockfile, type Lockfile } from '../src/lockfile/check-lockfile.ts';

const lockfile = (packages: Lockfile['packages']) => checkLockfile({ packages });

test('accepts packages without an address and links to workspaces', () => {
  expect(
    lockfile({ '': {}, 'node_modules/a': {}, 'node_modules/own': { resolved: 'packages/own', link: true } }),
  ).toEqual([]);
});

test('refuses the address of a registry', () => {
  const problems = lockfile({ 'node_modules/a': { resolved: 'https://registry.example/a/-/a-1.0.0.tgz' } });
  expect(problems[0]?.what).toMatch(/node_modules\/a names a registry/);
});

test('refuses an optional dependency without an entry', () => {
  const problems = lockfile({ 'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0' } } });
  expect(problems[0]?.what).toMatch(/^a-linux, optional for node_modules\/a, has no entry/);
});

test.each([
  ['at the root', 'node_modules/b'],
  ['inside the package that wants it', 'node_modules/x/node_modules/a/node_modules/b'],
  ['beside it', 'node_modules/x/node_modules/b'],
])('finds an optional dependency %s', (_, place) => {
  expect(lockfile({ 'node_modules/x/node_modules/a': { optionalDependencies: { b: '1.0.0' } }, [place]: {} })).toEqual(
    [],
  );
});
