/**
 * The three kinds, generated as `nx g` does into a workspace laid out like this one: they are formatted, pass the linter and the
 * compiler, are built, and their conformance run ends as `declared/` says. `npm run check:packages` tries the same outside, from
 * tarballs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declaredOutcomes } from '../src/conformance-outcomes.ts';
import { GeneratedWorkspace, NAME_LISTS, ROOT } from './generated-workspace.ts';

let workspace: GeneratedWorkspace;
beforeAll(() => {
  workspace = new GeneratedWorkspace();
});
afterAll(() => workspace[Symbol.dispose]());

/** What the built package exports as its plugin. The condition is for what it imports, of which there are only sources. */
function importBuilt(folder: string): { readonly stdout: string; readonly stderr: string } {
  const code = `const { plugin } = await import('./dist/index.js'); console.log(plugin.kind, plugin.name);`;
  const args = ['--conditions=@splitrock/source', '--input-type=module', '--eval', code];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
}

describe.each(['backend', 'storage', 'monitoring'] as const)('a new %s', (kind) => {
  let folder: string;
  beforeAll(async () => {
    folder = await workspace.generate(kind, 'blue-tape');
  });

  it('is a package of the repository', () => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object;
    const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/core/package.json'), 'utf8')) as {
      version: string;
    };
    expect(manifest).toMatchObject({
      name: `@splitrock/${kind}-blue-tape`,
      version,
      nx: { tags: ['layer:plugin'] },
      dependencies: { '@splitrock/core': version },
    });
    for (const file of ['README.md', 'LICENSE']) expect(existsSync(join(folder, file))).toBe(true);
    const pages = { backend: 'backends', storage: 'storages', monitoring: 'monitorings' };
    expect(existsSync(join(workspace.folder, 'docs', pages[kind], 'blue-tape.md'))).toBe(true);
    expect(readFileSync(join(workspace.folder, '.changeset', `${kind}-blue-tape.md`), 'utf8')).toContain(
      `'@splitrock/${kind}-blue-tape': minor`,
    );
    for (const list of NAME_LISTS) {
      expect(readFileSync(join(workspace.folder, list), 'utf8')).toMatch(
        new RegExp(`^  ${kind}: \\[.*, 'blue-tape'\\]`, 'm'),
      );
    }
  });

  it('is refused a second time, and under a bad name, with all that is wrong', async () => {
    await expect(workspace.generate(kind, 'blue-tape')).rejects.toThrow('is there already');
    await expect(workspace.generate(kind, 'Blue_Tape')).rejects.toThrow(/kebab-case.*\n.*npm takes/);
  });

  it('is formatted, and has nothing that the linter minds', { timeout: 120_000 }, () => {
    expect(
      workspace.complaints('prettier', ['--check', `packages/${kind}-blue-tape`, 'docs', '.changeset', ...NAME_LISTS]),
    ).toBe('');
    // Rules that go by types need the contracts built, or beside it: `npm run lint` has them once the package is ours.
    expect(workspace.complaints('oxlint', ['--deny-warnings', `packages/${kind}-blue-tape`])).toBe('');
  });

  it('type-checks, tests included', { timeout: 120_000 }, () => {
    expect(workspace.complaints('tsc', ['-p', 'tsconfig.test.json'], folder)).toBe('');
  });

  it('builds what a user imports', { timeout: 120_000 }, () => {
    expect(workspace.build(folder)).toBe('');
    const { stdout, stderr } = importBuilt(folder);
    expect(stdout, stderr).toBe(`${kind} blue-tape\n`);
  });

  it('has a conformance run that ends as declared', { timeout: 180_000 }, async () => {
    const outcomes = workspace.outcomes(folder);
    await expect(`${outcomes.join('\n')}\n`).toMatchFileSnapshot(declaredOutcomes(kind));
    expect(outcomes.filter((outcome) => outcome.startsWith('FAIL'))).toEqual([]);
    expect(outcomes.filter((outcome) => outcome.startsWith('pass')).length).toBeGreaterThan(0);
    expect(outcomes.filter((outcome) => outcome.startsWith('write')).length).toBeGreaterThan(0);
  });
});
