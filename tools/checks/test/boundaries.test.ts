import { describe, expect, test } from 'vitest';
import { checkBoundaries, type SourceFile } from '../src/boundaries/check-boundaries.ts';
import { checkReach } from '../src/boundaries/check-reach.ts';
import type { Project } from '../src/workspace.ts';

const project = (folder: string, name: string, layer: string, dependencies: string[], more = {}): Project => ({
  folder,
  manifest: {
    name,
    version: '0.1.0',
    exports: { '.': './dist/index.js', './package.json': './package.json' },
    dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, '0.1.0'])),
    nx: { tags: [`layer:${layer}`] },
    ...more,
  },
});
const core = project('packages/core', '@splitrock/core', 'core', [], {
  exports: { '.': './dist/index.js', './plugin': './dist/plugin.js' },
});
const worker = project('packages/worker', '@splitrock/worker', 'worker', ['@splitrock/core']);
const redis = project('packages/storage-redis', '@splitrock/storage-redis', 'plugin', [
  '@splitrock/core',
  '@splitrock/storage-local',
  '@splitrock/worker',
]);
const local = project('packages/storage-local', '@splitrock/storage-local', 'plugin', ['@splitrock/core'], {
  devDependencies: { '@splitrock/storage-redis': '0.1.0' },
});
const localhost = project('packages/backend-localhost', '@splitrock/backend-localhost', 'plugin', [
  '@splitrock/core',
  '@splitrock/worker',
]);
const cli = project('packages/cli', '@splitrock/cli', 'cli', ['@splitrock/core']);
const PROJECTS = [core, worker, redis, local, localhost, cli];

const file = (path: string, ...specifiers: string[]): SourceFile => ({
  path,
  imports: specifiers.map((specifier, index) => ({ specifier, line: index + 1, typeOnly: false })),
});
const problemsOf = (...files: SourceFile[]) => checkBoundaries(PROJECTS, files).map(({ what }) => what);

describe('allowed imports', () => {
  test.each([
    ['a plugin imports the contracts', 'packages/storage-redis/src/plugin.ts', '@splitrock/core/plugin'],
    ['the localhost backend imports the worker', 'packages/backend-localhost/src/plugin.ts', '@splitrock/worker'],
    ['the worker imports the contracts', 'packages/worker/src/index.ts', '@splitrock/core/plugin'],
    ['the command imports the executor', 'packages/cli/src/bin.ts', '@splitrock/core'],
    ['a file imports its neighbour', 'packages/cli/src/bin.ts', './commands/run.ts'],
    ['a test imports a dev dependency', 'packages/storage-local/src/local.test.ts', '@splitrock/storage-redis'],
    ['anyone imports a third party', 'packages/worker/src/index.ts', 'zod'],
    ['anyone imports Node', 'packages/worker/src/index.ts', 'node:fs'],
  ])('%s', (_, path, specifier) => {
    expect(problemsOf(file(path, specifier))).toEqual([]);
  });
});

describe('refused imports', () => {
  test.each([
    [
      'a plugin imports the executor',
      'packages/storage-redis/src/plugin.ts',
      '@splitrock/core',
      /layer plugin may not import @splitrock\/core; import @splitrock\/core\/plugin/,
    ],
    [
      'a plugin imports another plugin',
      'packages/storage-redis/src/plugin.ts',
      '@splitrock/storage-local',
      /layer plugin may not import/,
    ],
    [
      'a plugin other than localhost imports the worker',
      'packages/storage-redis/src/plugin.ts',
      '@splitrock/worker',
      /layer plugin may not import/,
    ],
    ['the worker imports the executor', 'packages/worker/src/index.ts', '@splitrock/core', /layer worker may not/],
    ['core imports a package of ours', 'packages/core/src/index.ts', '@splitrock/worker', /not among the dependencies/],
    [
      'a source imports a dev dependency',
      'packages/storage-local/src/plugin.ts',
      '@splitrock/storage-redis',
      /not among/,
    ],
    [
      'a deep import goes past the exports',
      'packages/cli/src/bin.ts',
      '@splitrock/core/src/job/job.ts',
      /not in the exports of @splitrock\/core/,
    ],
    [
      'a relative import leaves the package',
      'packages/cli/src/bin.ts',
      '../../core/src/index.ts',
      /leaves the package/,
    ],
  ])('%s', (_, path, specifier, message) => {
    const problems = problemsOf(file(path, specifier));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });

  test('the place is the line of the import', () => {
    const source = file('packages/worker/src/index.ts', 'node:fs', '@splitrock/core');
    expect(checkBoundaries(PROJECTS, [source])[0]?.where).toBe('packages/worker/src/index.ts:2');
  });
});

test('a package without a layer is a problem, since no rule would hold it', () => {
  const untagged = project('packages/new', '@splitrock/new', 'unheard-of', []);
  expect(checkBoundaries([untagged], [])).toMatchObject([{ where: 'packages/new/package.json' }]);
});

describe('what loading one file loads', () => {
  const rule = { entry: 'a/plugin.ts', forbiddenFolders: ['a/executor/'], forbiddenPackages: ['esbuild'] };

  test('a forbidden file is found through others, and the shortest chain is told', () => {
    const files = [
      file('a/plugin.ts', './wire.ts', './x.ts'),
      file('a/x.ts', './wire.ts'),
      file('a/wire.ts', './executor/map.ts'),
      file('a/executor/map.ts', './future.ts'),
      file('a/executor/future.ts'),
    ];
    expect(checkReach(files, rule)).toEqual([
      {
        where: 'a/wire.ts:1',
        what: 'a/plugin.ts must not load a/executor/map.ts; it does so through a/plugin.ts → a/wire.ts → a/executor/map.ts.',
      },
    ]);
  });

  test('a forbidden package is found, a deep import of it too', () => {
    expect(checkReach([file('a/plugin.ts', 'esbuild/lib/main.js')], rule)).toHaveLength(1);
  });

  test('what only the compiler follows does not count', () => {
    const typeOnly = { specifier: './executor/map.ts', line: 1, typeOnly: true };
    expect(checkReach([{ path: 'a/plugin.ts', imports: [typeOnly] }], rule)).toEqual([]);
  });

  test('imports in a circle end', () => {
    expect(checkReach([file('a/plugin.ts', './x.ts'), file('a/x.ts', './plugin.ts')], rule)).toEqual([]);
  });

  test('a rule whose entry has moved is a problem, not a rule that holds', () => {
    expect(checkReach([], rule)).toHaveLength(1);
  });
});
