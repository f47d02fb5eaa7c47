import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CliContext } from '../src/cli-context.ts';
import { createProgram } from '../src/program.ts';

const ROOT = new URL('../../../', import.meta.url);

/** All commands that do something, by their whole name, and their options. */
function leaves(
  command: Command,
  name: string,
): readonly { readonly name: string; readonly options: readonly string[] }[] {
  if (command.commands.length > 0) return command.commands.flatMap((child) => leaves(child, `${name} ${child.name()}`));
  return [{ name, options: command.options.map(({ long }) => long ?? '') }];
}

describe('docs', () => {
  it('tell of every command and option', () => {
    const text = readFileSync(new URL('docs/cli.md', ROOT), 'utf8');
    const program = createProgram({} as CliContext);
    for (const { name, options } of leaves(program, 'splitrock')) {
      expect(text).toContain(`\`${name}`);
      for (const option of options) expect(text).toContain(option);
    }
  });

  it('have reference pages as the schemas are', { timeout: 60_000 }, () => {
    const script = fileURLToPath(new URL('tools/docs/reference.ts', ROOT));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
