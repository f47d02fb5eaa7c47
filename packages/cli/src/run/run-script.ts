/** `splitrock run`: runs a script in a process of its own, with progress, and ends as it ends. */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { extname, resolve } from 'node:path';
import type { CliContext, CommonOptions } from '../cli-context.ts';
import { UsageError } from '../output/error-report.ts';

const SCRIPT_EXTENSION = /^\.(?:[cm]?[jt]s|tsx)$/;

export interface RunOptions extends CommonOptions {
  readonly progress: string;
  readonly logs?: boolean;
}

export async function runScript(
  context: CliContext,
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<void> {
  const script = resolve(context.cwd, file);
  checkScript(script);
  if (!['auto', 'lines', 'none'].includes(options.progress))
    throw new UsageError(`--progress is auto, lines or none, not ${options.progress}.`);

  // Source maps: functions are captured from what runs, and errors must point at what was written.
  const flags = [...process.execArgv, '--enable-source-maps', `--import=${preloadUrl(options)}`];
  const child = spawn(process.execPath, [...flags, script, ...args], {
    stdio: 'inherit',
    cwd: context.cwd,
    env: { ...context.env, ...variablesOf(options) },
  });
  // A terminal sends Ctrl-C to both; a supervisor sends it only here. The script's side takes two close together for one.
  // It stays when the script has ended: one more Ctrl-C must not end this process before it has told the script's exit code.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal));
  context.setExitCode(await exitCodeOf(child));
}

/** Told here, where it takes a line; what Node says of such files is a page of its own insides. */
function checkScript(script: string): void {
  const found = statSync(script, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`There is no script ${script}.`);
  if (!found.isFile()) throw new UsageError(`${script} is a folder; name the script in it.`);
  const extension = extname(script);
  // Node takes a file without one for a script too.
  if (extension !== '' && !SCRIPT_EXTENSION.test(extension))
    throw new UsageError(`${script} is no script: run takes .ts, .mts, .cts, .tsx, .js, .mjs and .cjs files.`);
}

function exitCodeOf(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((settle, reject) => {
    child.once('error', reject);
    // Killed by a signal: what a shell would say.
    child.once('exit', (code, signal) => settle(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

function preloadUrl({ progress, logs }: RunOptions): string {
  const url = new URL(`./preload-main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
  url.searchParams.set('progress', progress);
  if (logs === true) url.searchParams.set('logs', '1');
  return url.href;
}

/** The command line reaches the script's executors as variables, which lie above files and below the script's own options. */
function variablesOf({ config, backend, storage, monitoring, tenant, logLevel }: RunOptions): Record<string, string> {
  const variables = {
    SPLITROCK_CONFIG: config,
    SPLITROCK_BACKEND: backend,
    SPLITROCK_STORAGE: storage,
    SPLITROCK_MONITORING: monitoring,
    SPLITROCK_TENANT: tenant,
    SPLITROCK_LOG_LEVEL: logLevel,
  };
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
