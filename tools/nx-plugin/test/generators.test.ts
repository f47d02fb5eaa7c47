/**
 * The three kinds, generated as `nx g` does into a workspace laid out like this one: they are formatted, pass the linter and the
 * compiler, and their conformance run ends as `declared/` says. `npm run check:packages` tries the same outside, from tarballs.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformanceOutcomes, declaredOutcomes } from '../src/conformance-outcomes.ts';
import type { FileTree } from '../src/file-tree.ts';
import { generatePlugin } from '../src/generate-plugin.ts';

const ROOT = join(import.meta.dirname, '../../..');
const VITEST = [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs')];
const NAMES = 'packages/core/src/plugins/plugin-names.ts';
const CORE = 'packages/core/tsconfig.build.json';
const SPEC = 'packages/create-splitrock-plugin/src/plugin-spec.ts';

let workspace: string;
beforeAll(() => {
  workspace = realpathSync(mkdtempSync(join(tmpdir(), 'splitrock-generators-')));
  for (const file of [
    'package.json',
    'tsconfig.base.json',
    'vitest.config.ts',
    '.prettierrc.json',
    '.oxlintrc.json',
    NAMES,
    SPEC,
    CORE,
  ]) {
    mkdirSync(dirname(join(workspace, file)), { recursive: true });
    cpSync(join(ROOT, file), join(workspace, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(workspace, 'node_modules'));
});
afterAll(() => rmSync(workspace, { recursive: true }));

/** nx's tree without the delay: what is written is there. */
const tree = (): FileTree => ({
  root: workspace,
  exists: (path) => existsSync(join(workspace, path)),
  read: (path) => readFileSync(join(workspace, path), 'utf8'),
  write(path, text) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  },
});

function run(program: string, args: readonly string[], cwd: string): string {
  const bin = join(ROOT, 'node_modules/.bin', program);
  const { status, stdout, stderr } = spawnSync(bin, args, { cwd, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

describe.each(['backend', 'storage', 'monitoring'] as const)('a new %s', (kind) => {
  const folder = (): string => join(workspace, 'packages', `${kind}-blue-tape`);

  beforeAll(async () => {
    await generatePlugin(tree(), kind, { name: 'blue-tape' });
  });

  it('is a package of the repository', () => {
    const manifest = JSON.parse(readFileSync(join(folder(), 'package.json'), 'utf8')) as object;
    const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/core/package.json'), 'utf8')) as {
      version: string;
    };
    expect(manifest).toMatchObject({
      name: `@splitrock/${kind}-blue-tape`,
      version,
      nx: { tags: ['layer:plugin'] },
      dependencies: { '@splitrock/core': version },
    });
    for (const file of ['README.md', 'LICENSE']) expect(existsSync(join(folder(), file))).toBe(true);
    const pages = { backend: 'backends', storage: 'storages', monitoring: 'monitorings' };
    expect(existsSync(join(workspace, 'docs', pages[kind], 'blue-tape.md'))).toBe(true);
    expect(readFileSync(join(workspace, '.changeset', `${kind}-blue-tape.md`), 'utf8')).toContain(
      `'@splitrock/${kind}-blue-tape': minor`,
    );
    for (const list of [NAMES, SPEC]) {
      expect(readFileSync(join(workspace, list), 'utf8')).toMatch(new RegExp(`^  ${kind}: \\[.*, 'blue-tape'\\]`, 'm'));
    }
  });

  it('is refused a second time, and under a bad name, with all that is wrong', async () => {
    await expect(generatePlugin(tree(), kind, { name: 'blue-tape' })).rejects.toThrow('is there already');
    await expect(generatePlugin(tree(), kind, { name: 'Blue_Tape' })).rejects.toThrow(/kebab-case.*\n.*npm takes/);
  });

  it('is formatted, and has nothing that the linter minds', { timeout: 120_000 }, () => {
    expect(
      run('prettier', ['--check', `packages/${kind}-blue-tape`, 'docs', '.changeset', NAMES, SPEC], workspace),
    ).toBe('');
    // Rules that go by types need the contracts built, or beside it: `npm run lint` has them once the package is ours.
    expect(run('oxlint', ['--deny-warnings', `packages/${kind}-blue-tape`], workspace)).toBe('');
  });

  it('type-checks, tests included', { timeout: 120_000 }, () => {
    expect(run('tsc', ['-p', 'tsconfig.test.json'], folder())).toBe('');
  });

  it('has a conformance run that ends as declared', { timeout: 180_000 }, async () => {
    const outcomes = conformanceOutcomes(folder(), [...VITEST, '--config', '../../vitest.config.ts', '--root', '.']);
    await expect(`${outcomes.join('\n')}\n`).toMatchFileSnapshot(declaredOutcomes(kind));
    expect(outcomes.filter((outcome) => outcome.startsWith('FAIL'))).toEqual([]);
    expect(outcomes.filter((outcome) => outcome.startsWith('pass')).length).toBeGreaterThan(0);
    expect(outcomes.filter((outcome) => outcome.startsWith('write')).length).toBeGreaterThan(0);
  });
});

describe('a new storage whose client was written', () => {
  it('keeps the whole contract', { timeout: 180_000 }, async () => {
    await generatePlugin(tree(), 'storage', { name: 'red-tape' });
    const folder = join(workspace, 'packages/storage-red-tape');
    const client = readFileSync(join(import.meta.dirname, 'storage-client.ts'), 'utf8');
    writeFileSync(join(folder, 'src/red-tape-client.ts'), client.replaceAll('BlueTape', 'RedTape'));
    const outcomes = conformanceOutcomes(folder, [...VITEST, '--config', '../../vitest.config.ts', '--root', '.']);
    expect(outcomes.filter((outcome) => /^(?:FAIL|write)/.test(outcome))).toEqual([]);
    expect(outcomes.filter((outcome) => outcome.startsWith('pass')).length).toBeGreaterThan(150);
  });
});
