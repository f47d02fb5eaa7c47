import { describe, expect, test } from 'vitest';
import { entryPointsOf } from '../src/api/entry-points.ts';
import { checkContents } from '../src/tarballs/check-contents.ts';

const complete = ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'src/index.ts'];
const problemsOf = (paths: string[], text = '') =>
  checkContents(
    'splitrock',
    [...complete, ...paths].map((path) => ({ path, text })),
    ['/home/me/splitrock'],
  );

describe('contents of a package', () => {
  test('code, sources, README and licence are fine', () => {
    expect(problemsOf([])).toEqual([]);
  });

  test.each([
    'src/job/job.test.ts',
    'dist/job/job.test.js',
    'src/api.test-d.ts',
    'test/harness.ts',
    'dist/.tsbuildinfo',
    'src/fixtures/a.ts',
    '.npmrc',
  ])('%s does not belong in it', (path) => {
    expect(problemsOf([path])).not.toEqual([]);
  });

  test.each(['src/attest/latest.ts', 'dist/test-names.js'])('%s only looks like a test', (path) => {
    expect(problemsOf([path])).toEqual([]);
  });

  test('a file that mentions a folder of this machine is found', () => {
    const problems = checkContents(
      'splitrock',
      [{ path: 'README.md', text: 'see /home/me/splitrock/docs' }],
      ['/home/me'],
    );
    expect(problems.map(({ where }) => where)).toEqual(['splitrock', 'splitrock/README.md']);
  });

  test('README and licence must be there', () => {
    expect(checkContents('splitrock', [], []).map(({ what }) => what)).toEqual([
      'README.md is not in the package.',
      'LICENSE is not in the package.',
    ]);
  });
});

test('the entry points are the exports that have types; those named main are programs', () => {
  const entry = (name: string) => ({
    '@splitrock/source': `./src/${name}.ts`,
    types: `./dist/${name}.d.ts`,
    default: `./dist/${name}.js`,
  });
  const exports = { '.': entry('index'), './main': entry('main'), './package.json': './package.json' };
  expect(entryPointsOf({ name: 'a', version: '1.0.0', exports })).toEqual([
    { subpath: '.', types: './dist/index.d.ts', code: './dist/index.js', isProgram: false },
    { subpath: './main', types: './dist/main.d.ts', code: './dist/main.js', isProgram: true },
  ]);
});
