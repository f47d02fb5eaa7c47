import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { CliSandbox } from './cli-sandbox.ts';

const sandbox = new CliSandbox();
sandbox.write('notes.txt', 'no program');
afterAll(() => sandbox.dispose());

describe('the command line', { timeout: 60_000 }, () => {
  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await sandbox.run(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('explains itself', async () => {
    const { exitCode, stdout } = await sandbox.run(['--help']);
    expect(exitCode).toBe(0);
    for (const command of ['hello', 'run', 'doctor', 'config', 'clean', 'jobs', 'storage'])
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(stdout).toContain(
      'Exit codes: 0 done, 1 failed, 2 wrong command line, 3 wrong configuration or plugin, 130 interrupted',
    );
  });

  it('ends quietly when its reader has enough', async () => {
    const running = sandbox.start(['config', 'show']);
    running.process.stdout?.destroy();
    expect(await running.result).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it.each(['hello', 'run', 'clean', 'config show', 'storage put', 'storage get'])(
    'gives examples for %s',
    async (command) => {
      const { exitCode, stdout } = await sandbox.run([...command.split(' '), '--help']);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}\S/);
    },
  );

  it.each([
    [['confg'], "error: unknown command 'confg'\n(Did you mean config?)\n"],
    [['hello', '--cals', '3'], "error: unknown option '--cals'\n(Did you mean --calls?)\n"],
    [['hello', '--calls', 'many'], 'error USAGE: --calls is a whole number from 1, not many.\n'],
    [['storage', 'stat'], "error: missing required argument 'key'\n"],
    [['run', 'nope.ts'], `error USAGE: There is no script ${sandbox.cwd}/nope.ts.\n`],
    [['run', '.'], `error USAGE: ${sandbox.cwd} is a folder; name the script in it.\n`],
    [
      ['run', 'notes.txt'],
      `error USAGE: ${sandbox.cwd}/notes.txt is no script: run takes .ts, .mts, .cts, .tsx, .js, .mjs and .cjs files.\n`,
    ],
    [
      ['clean', '--all', '--older-than', '7d'],
      'error USAGE: Give --job and --executor, or --older-than, or --all, but not several of them.\n',
    ],
    [['clean', '--older-than', 'long'], 'error USAGE: --older-than takes a duration like 90m, 12h or 7d, not long.\n'],
    [
      ['clean', '--job', 'x'],
      'error USAGE: x is no job’s id; they look like k3v0q8w1xz2a-1, and `splitrock jobs list` has them.\n',
    ],
    [['storage', 'delete'], 'error USAGE: Give keys, or --prefix, but not both.\n'],
    [
      ['storage', 'delete', '--prefix', ''],
      'error USAGE: An empty prefix is every object of the storage; name a longer one.\n',
    ],
    [['storage', 'put', '-'], 'error USAGE: What comes from standard input needs a key.\n'],
    [['doctor', '--timeout', 'soon'], 'error USAGE: --timeout takes a duration like 90s or 5m, not soon.\n'],
  ])('refuses %j', async (args, stderr) => {
    expect(await sandbox.run(args)).toEqual({ exitCode: 2, stdout: '', stderr });
  });
});
