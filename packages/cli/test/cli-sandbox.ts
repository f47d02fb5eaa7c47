/** A folder of its own for a test, in which the real command runs as a real process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig, resolvePlugin } from '@splitrock/core';
import { silentLogger, systemClock, type Storage } from '@splitrock/core/plugin';

const BIN = fileURLToPath(new URL('../src/bin.ts', import.meta.url));

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcess;
  readonly result: Promise<CliResult>;
  /** Resolves once the output so far matches. Rejects when the command ends without. */
  said(pattern: RegExp): Promise<void>;
}

export class CliSandbox {
  /** The working directory of commands. */
  readonly cwd: string;
  readonly #root: string;
  readonly #children: ChildProcess[] = [];

  constructor() {
    this.#root = realpathSync(mkdtempSync(join(tmpdir(), 'splitrock-cli-')));
    this.cwd = join(this.#root, 'work');
    mkdirSync(this.cwd);
  }

  /** Writes a file below the working directory and returns its path. */
  write(name: string, text: string | Uint8Array): string {
    const file = join(this.cwd, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  run(
    args: readonly string[],
    options: { readonly env?: Record<string, string>; readonly input?: string | Uint8Array } = {},
  ): Promise<CliResult> {
    const running = this.start(args, options.env);
    running.process.stdin?.end(options.input);
    return running.result;
  }

  start(args: readonly string[], env: Record<string, string> = {}): RunningCli {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: this.cwd,
      env: { ...this.#environment(), ...env },
      stdio: 'pipe',
      // A process group of its own, so that nothing it started can outlive the test.
      detached: true,
    });
    this.#children.push(child);
    const output = { stdout: '', stderr: '' };
    const onOutput = new Set<() => void>();
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        for (const look of onOutput) look();
      });
    }
    const result = new Promise<CliResult>((settle, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => settle({ exitCode, ...output }));
    });
    const said = (pattern: RegExp): Promise<void> =>
      new Promise((settle, reject) => {
        const look = (): void => {
          if (!pattern.test(output.stdout + output.stderr)) return;
          onOutput.delete(look);
          settle();
        };
        onOutput.add(look);
        look();
        void result.then(() =>
          reject(new Error(`It ended without saying ${String(pattern)}:\n${output.stdout}${output.stderr}`)),
        );
      });
    return { process: child, result, said };
  }

  /** The sandbox's own home; nothing of the developer's configuration. */
  #environment(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(?:SPLITROCK_|XDG_|FORCE_COLOR|NO_COLOR)/.test(name),
    );
    return {
      ...Object.fromEntries(inherited),
      HOME: join(this.#root, 'home'),
      SPLITROCK_HOME: join(this.#root, 'data'),
    };
  }

  /** The storage that commands in this sandbox use. */
  async openStorage(): Promise<Storage> {
    const overrides = { storages: { local: { directory: join(this.#root, 'data', 'storage') } } };
    const config = await readConfig({ cwd: this.cwd, env: {}, home: join(this.#root, 'home'), overrides });
    const { plugin, options } = await resolvePlugin('storage', config, { resolveFrom: [import.meta.url] });
    return plugin.createStorage(options, { logger: silentLogger, clock: systemClock });
  }

  /** Removes everything, also what a failed test left running. */
  dispose(): void {
    for (const { pid } of this.#children) killGroup(pid);
    rmSync(this.#root, { recursive: true, force: true });
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: the whole group has ended, as it should.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
