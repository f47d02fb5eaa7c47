import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CliSandbox, type RunningCli } from './cli-sandbox.ts';

let sandbox: CliSandbox;
beforeEach(() => {
  sandbox = new CliSandbox();
});
afterEach(() => sandbox.dispose());

const CORE = import.meta.resolve('@splitrock/core');
/** Where the plugins are found; a program that has `splitrock` installed says nothing of the kind. */
const EXECUTOR = `import { FunctionExecutor } from ${JSON.stringify(CORE)};\nconst executor = new FunctionExecutor({ resolveFrom: [${JSON.stringify(import.meta.url)}] });\n`;

/** Sends Ctrl-C until the command ends. */
async function interruptUntilEnd({ process: child, result }: RunningCli): Promise<void> {
  const timer = setInterval(() => child.kill('SIGINT'), 100);
  await result;
  clearInterval(timer);
}

/** A zombie, whose parent has not asked for its end, does not run. */
function isRunning(pid: number): boolean {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && !stdout.trim().startsWith('Z');
}

describe('run', { timeout: 60_000 }, () => {
  it('shows the progress of jobs in lines and ends as the script does', async () => {
    sandbox.write(
      'triple.ts',
      `${EXECUTOR}const factor: number = 3;
const values = await executor.map((n: number) => { console.log('call', n); return n * factor; }, [1, 2, 3], { name: 'triple' });
console.log(JSON.stringify({ values, args: process.argv.slice(2), main: process.argv[1] }));
await executor.dispose();
process.exitCode = 7;
`,
    );
    const { exitCode, stdout, stderr } = await sandbox.run(['run', '--logs', 'triple.ts', '--', '--width', '3']);
    expect({ exitCode, stdout: JSON.parse(stdout) }).toEqual({
      exitCode: 7,
      stdout: { values: [3, 6, 9], args: ['--width', '3'], main: join(sandbox.cwd, 'triple.ts') },
    });
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toBe('triple: started');
    expect(lines.slice(1, -1).toSorted()).toEqual(['[triple/0] call 1', '[triple/1] call 2', '[triple/2] call 3']);
    expect(lines.at(-1)).toMatch(/^triple: 3 of 3 calls ended after /);
  });

  it('says nothing with --progress none', async () => {
    sandbox.write('quiet.mjs', `${EXECUTOR}await executor.map((n) => n, [1]);\nawait executor.dispose();\n`);
    expect(await sandbox.run(['run', '--progress', 'none', 'quiet.mjs'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('runs TypeScript that is more than types, with .js imports, and names its lines', async () => {
    sandbox.write('lib/mode.ts', 'export enum Mode { Fast = "fast" }\n');
    sandbox.write(
      'script.ts',
      `import { Mode } from './lib/mode.js';

interface Filler { readonly a: 1; }

class Point { constructor(readonly x: number) {} }
console.log(Mode.Fast, new Point(4).x);
throw new Error('on line seven');
`,
    );
    const { exitCode, stdout, stderr } = await sandbox.run(['run', 'script.ts']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: 'fast 4\n' });
    expect(stderr).toContain('Error: on line seven');
    expect(stderr).toMatch(/script\.ts:7:7\b/);
  });

  it('ships functions of TypeScript that had to be compiled', async () => {
    sandbox.write(
      'ship.ts',
      `enum Mode { Fast = 'fast' }\n${EXECUTOR}console.log(await executor.map((n: number) => Mode.Fast + n, [1, 2]));\nawait executor.dispose();\n`,
    );
    expect(await sandbox.run(['run', 'ship.ts', '--progress', 'none'])).toEqual({
      exitCode: 0,
      stdout: "[ 'fast1', 'fast2' ]\n",
      stderr: '',
    });
  });

  it('lets the command line choose above files', async () => {
    sandbox.write('splitrock.config.yaml', 'tenant: blue\n');
    sandbox.write(
      'env.mjs',
      'console.log(process.env.SPLITROCK_TENANT, process.env.SPLITROCK_LOG_LEVEL, process.env.SPLITROCK_BACKEND);',
    );
    const { stdout } = await sandbox.run(['run', 'env.mjs', '--tenant', 'red', '--log-level', 'error']);
    expect(stdout).toBe('red error undefined\n');
  });

  it('tells by the exit code which signal ended the script', async () => {
    sandbox.write('die.mjs', 'process.kill(process.pid, "SIGKILL");\nsetInterval(() => {}, 1000);');
    expect(await sandbox.run(['run', 'die.mjs'])).toMatchObject({ exitCode: 137 });
  });

  it('leaves a script that never ends jobs its own way to handle Ctrl-C', async () => {
    sandbox.write(
      'own.mjs',
      'process.on("SIGINT", () => { console.log("mine"); process.exit(4); });\nsetInterval(() => {}, 1000);\nconsole.log("ready");',
    );
    const running = sandbox.start(['run', 'own.mjs']);
    await running.said(/ready/);
    running.process.kill('SIGINT');
    expect(await running.result).toMatchObject({ exitCode: 4, stdout: 'ready\nmine\n' });
  });
});

describe('Ctrl-C', { timeout: 60_000 }, () => {
  const LONG_JOB = `${EXECUTOR}import { existsSync, renameSync, writeFileSync } from 'node:fs';
const job = executor.map(async (file) => { writeFileSync(file + '.part', String(process.ppid)); renameSync(file + '.part', file); await new Promise((end) => setTimeout(end, 600_000)); }, [process.argv[2]], { name: 'long' });
const timer = setInterval(() => { if (existsSync(process.argv[2])) { clearInterval(timer); console.log('it runs'); } }, 20).unref();
`;

  it('cancels the jobs and lets the script clean up', async () => {
    sandbox.write(
      'long.mjs',
      `${LONG_JOB}try { await job; } catch (error) { console.log(error.code); } finally { await executor.dispose(); }\nconsole.log('cleaned up');\n`,
    );
    const marker = join(sandbox.cwd, 'marker');
    const running = sandbox.start(['run', 'long.mjs', '--', marker]);
    await running.said(/it runs/);
    expect(existsSync(marker)).toBe(true);
    running.process.kill('SIGINT');
    const { exitCode, stdout, stderr } = await running.result;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: 'it runs\nCALL_CANCELLED\ncleaned up\n' });
    expect(stderr).toContain('SIGINT: cancelling jobs; once more to stop at once');
    const left = await sandbox.run(['jobs', 'list', '--json']);
    expect(JSON.parse(left.stdout)).toEqual([]);
  });

  it('once more ends a script that goes on', async () => {
    sandbox.write('stubborn.mjs', `${LONG_JOB}job.result().catch(() => {});\nsetInterval(() => {}, 1000);\n`);
    const marker = join(sandbox.cwd, 'marker');
    const running = sandbox.start(['run', 'stubborn.mjs', '--', marker]);
    await running.said(/it runs/);
    await interruptUntilEnd(running);
    expect(await running.result).toMatchObject({ exitCode: 130 });
    // The worker finds itself alone and goes too.
    const worker = Number(readFileSync(marker, 'utf8'));
    await vi.waitFor(() => expect(isRunning(worker)).toBe(false), { timeout: 30_000, interval: 50 });
  });

  it('ends other commands too', async () => {
    const running = sandbox.start(['storage', 'put', '-', 'never']);
    running.process.stdin?.write('part');
    await new Promise((ready) => running.process.once('spawn', ready));
    await interruptUntilEnd(running);
    expect((await running.result).exitCode).not.toBe(0);
    const listed = await sandbox.run(['storage', 'list', '--json']);
    expect(JSON.parse(listed.stdout)).toEqual([]);
  });
});
