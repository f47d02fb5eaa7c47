import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PLUGIN_KINDS, renderPlugin } from 'create-splitrock-plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlugin } from '../src/create-plugin.ts';
import { TOOL_VERSIONS } from '../src/tool-versions.ts';

const ROOT = join(import.meta.dirname, '../../..');

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'splitrock-create-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

/** Runs the command; `answers` are those of whoever sits there. */
async function create(args: readonly string[], answers?: readonly string[]) {
  const said = { out: '', err: '', asked: [] as string[] };
  const left = [...(answers ?? [])];
  const exitCode = await createPlugin(args, {
    cwd,
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    ...(answers === undefined
      ? {}
      : {
          ask: async (question: string) => {
            said.asked.push(question);
            return left.shift() ?? '';
          },
        }),
  });
  return { exitCode, ...said };
}

const filesBelow = (folder: string): string[] =>
  readdirSync(join(cwd, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(cwd, folder).length + 1))
    .toSorted();

describe('npm create splitrock-plugin', () => {
  it('makes a package of what its arguments say, and tells what follows', async () => {
    const { exitCode, out, err } = await create(['storage', 'blue-tape']);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toContain('cd splitrock-storage-blue-tape\n  npm install\n  npm test\n');
    expect(filesBelow('splitrock-storage-blue-tape')).toEqual([
      '.gitignore',
      'LICENSE',
      'README.md',
      'docs/storage-blue-tape.md',
      'package.json',
      'src/blue-tape-client.ts',
      'src/blue-tape-storage-options.ts',
      'src/blue-tape-storage.ts',
      'src/index.ts',
      'src/plugin.ts',
      'src/write-this.ts',
      'test/blue-tape-storage.conformance.test.ts',
      'tsconfig.build.json',
      'tsconfig.json',
      'vitest.config.ts',
    ]);
  });

  it('takes a package’s name and a folder, which may be there and empty', async () => {
    mkdirSync(join(cwd, 'here'));
    const { exitCode } = await create(['backend', 'tape', '--package', '@acme/tape', '--directory', 'here']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, 'here/package.json'), 'utf8'))).toMatchObject({ name: '@acme/tape' });
    // A configuration finds it by its package: its name leads elsewhere.
    expect(readFileSync(join(cwd, 'here/README.md'), 'utf8')).toContain("backend: '@acme/tape'\n");
  });

  it('asks for what is not given', async () => {
    const { exitCode, asked } = await create([], ['monitoring', ' tape ']);
    expect(exitCode).toBe(0);
    expect(asked).toEqual(['Kind (backend, storage, monitoring): ', 'Name (kebab-case): ']);
    expect(existsSync(join(cwd, 'splitrock-monitoring-tape/package.json'))).toBe(true);
    expect((await create(['storage'], ['tape'])).asked).toEqual(['Name (kebab-case): ']);
  });

  it('tells programs what it made', async () => {
    const { exitCode, out } = await create(['backend', 'tape', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      created: true,
      kind: 'backend',
      name: 'tape',
      packageName: 'splitrock-backend-tape',
      directory: join(cwd, 'splitrock-backend-tape'),
      files: expect.arrayContaining(['package.json', 'src/tape-call-source.ts']) as unknown,
    });
  });

  it.each([
    ['nothing, where nobody answers', [], 2, ['kind is missing', 'name is missing']],
    ['too much', ['storage', 'tape', 'more'], 2, ['Too many arguments: more']],
    ['an unknown option', ['storage', 'tape', '--foldr', 'x'], 2, ['--foldr']],
    ['a name of ours', ['storage', 'redis'], 1, ['that of a storage of Splitrock']],
    [
      'several things that are wrong',
      ['stroage', 'Blue_Tape', '--package', 'A B', '--directory', 'full'],
      1,
      [
        'must be one of backend, storage, monitoring, not "stroage"',
        'kebab-case',
        'none that npm takes: "A B"',
        'full is there already',
      ],
    ],
  ])('refuses %s with all problems, and makes nothing', async (_what, args, code, parts) => {
    mkdirSync(join(cwd, 'full'));
    writeFileSync(join(cwd, 'full/file'), 'mine');
    const { exitCode, out, err } = await create(args);
    expect({ exitCode, out }).toEqual({ exitCode: code, out: '' });
    for (const part of parts) expect(err).toContain(part);
    const { out: json } = await create([...args, '--json']);
    expect(JSON.parse(json)).toMatchObject({ created: false });
    expect((JSON.parse(json) as { problems: string[] }).problems).toHaveLength(parts.length);
    expect(filesBelow('.')).toEqual(['full/file']);
  });

  it('says how it is used, and which version it is', async () => {
    expect((await create(['--help'])).out).toMatch(/npm create splitrock-plugin@latest \[kind\] \[name\]/);
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
      version: string;
    };
    expect((await create(['--version'])).out).toBe(`${version}\n`);
  });
});

describe('templates', () => {
  it.each(PLUGIN_KINDS)('leave no place unfilled: %s', (kind) => {
    for (const setting of ['standalone', 'repository'] as const) {
      const files = renderPlugin({ kind, name: 'tape', packageName: `splitrock-${kind}-tape` }, setting);
      expect(files.filter(({ text }) => /\{\{|\}\}/.test(text)).map(({ path }) => path)).toEqual([]);
    }
  });

  it('use the versions that Splitrock is tested with', () => {
    const read = (path: string) =>
      JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Record<string, Record<string, string>>;
    const own = { ...read('package.json')['devDependencies'], ...read('packages/core/package.json')['dependencies'] };
    const versions = Object.fromEntries(Object.keys(TOOL_VERSIONS).map((name) => [name, `^${own[name]}`]));
    expect(versions).toEqual(TOOL_VERSIONS);
  });

  it('refuse the names of all plugins of Splitrock', async () => {
    const list = readFileSync(join(ROOT, 'packages/core/src/plugins/plugin-names.ts'), 'utf8');
    for (const kind of PLUGIN_KINDS) {
      const [, names = ''] = new RegExp(`^  ${kind}: \\[(.*)\\]`, 'm').exec(list) ?? [];
      const official = [...names.matchAll(/'([^']+)'/g)].map(([, name]) => name as string);
      expect(official.length).toBeGreaterThan(2);
      for (const name of official) expect((await create([kind, name])).exitCode).toBe(1);
    }
  });
});
