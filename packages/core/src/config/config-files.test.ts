import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configFilePlaces } from './config-files.ts';
import { formatProblem } from './config-problem.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'splitrock-files-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (...files: readonly string[]): void => {
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
};

function places(cwd: string, env: Record<string, string> = {}, home = 'home') {
  mkdirSync(join(root, cwd), { recursive: true });
  const found = configFilePlaces({
    cwd: join(root, cwd),
    env,
    home: join(root, home),
    machineFile: join(root, 'etc/config.yaml'),
  });
  return {
    existing: found.places
      .filter(({ exists }) => exists)
      .map(({ layer, file }) => `${layer} ${file.slice(root.length + 1)}`),
    looked: found.places.map(({ file }) => file.slice(root.length + 1)),
    problems: found.problems.map((problem) => formatProblem(problem, join(root, cwd))),
  };
}

describe('configFilePlaces', () => {
  it('lists the layers, lowest first', () => {
    write('etc/config.yaml', 'home/.config/splitrock/config.yaml', 'work/splitrock.config.json', 'named.yaml');
    expect(places('work', { SPLITROCK_CONFIG: '../named.yaml' }).existing).toEqual([
      'machine etc/config.yaml',
      'user home/.config/splitrock/config.yaml',
      'project work/splitrock.config.json',
      'SPLITROCK_CONFIG named.yaml',
    ]);
  });

  it('says where it would look when nothing is there', () => {
    expect(places('work')).toEqual({
      existing: [],
      looked: ['etc/config.yaml', 'home/.config/splitrock/config.yaml', 'work/splitrock.config.yaml'],
      problems: [],
    });
  });

  it('follows XDG_CONFIG_HOME', () => {
    write('xdg/splitrock/config.yaml', 'home/.config/splitrock/config.yaml');
    expect(places('work', { XDG_CONFIG_HOME: join(root, 'xdg') }).existing).toEqual(['user xdg/splitrock/config.yaml']);
  });

  it.each(['yaml', 'yml', 'json', 'ts', 'mts', 'js', 'mjs'])('finds splitrock.config.%s', (ending) => {
    write(`work/splitrock.config.${ending}`);
    expect(places('work').existing).toEqual([`project work/splitrock.config.${ending}`]);
  });

  it.each([
    [
      'up to the repository',
      ['repo/.git/HEAD', 'repo/a/package.json', 'repo/splitrock.config.yaml'],
      'repo/a/b',
      ['project repo/splitrock.config.yaml'],
    ],
    [
      'up to a package outside of repositories',
      ['pkg/package.json', 'pkg/splitrock.config.yaml'],
      'pkg/a',
      ['project pkg/splitrock.config.yaml'],
    ],
    ['not above the repository', ['splitrock.config.yaml', 'repo/.git/HEAD'], 'repo/a', []],
    ['not above the package', ['splitrock.config.yaml', 'pkg/package.json'], 'pkg/a', []],
    ['only where one is when there is no project', ['splitrock.config.yaml'], 'a/b', []],
    [
      'to the nearest of several',
      ['repo/.git/HEAD', 'repo/splitrock.config.yaml', 'repo/a/splitrock.config.json'],
      'repo/a/b',
      ['project repo/a/splitrock.config.json'],
    ],
    ['not out of the home folder', ['.git/HEAD', 'splitrock.config.yaml'], 'home/a', []],
  ])('looks %s', (_case, files, cwd, expected) => {
    write(...files);
    expect(places(cwd).existing).toEqual(expected);
  });

  it('refuses two files in one folder', () => {
    write('work/splitrock.config.yaml', 'work/splitrock.config.ts');
    expect(places('work').problems).toEqual([
      `${join(root, 'work')}: there are 2 configuration files in one folder: splitrock.config.yaml, splitrock.config.ts; keep one of them`,
    ]);
  });

  it('refuses a named file that is not there', () => {
    expect(places('work', { SPLITROCK_CONFIG: 'nope.yaml' }).problems).toEqual([
      `SPLITROCK_CONFIG: the file ${join(root, 'work/nope.yaml')} does not exist`,
    ]);
  });
});
