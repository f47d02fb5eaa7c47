/** Runs one command line and tells how it went. */
import { CommanderError } from 'commander';
import type { CliContext } from './cli-context.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { exitCodeOf, formatReport, reportOf } from './output/error-report.ts';
import { Output } from './output/output.ts';
import { createProgram } from './program.ts';

export interface RunCliOptions {
  /** The arguments after the command's name. */
  readonly args: readonly string[];
  /** Modules whose packages may bring plugins: a package that has this command passes its own URL. */
  readonly resolveFrom: readonly (URL | string)[];
}

/** @returns the exit code */
export async function runCli({ args, resolveFrom }: RunCliOptions): Promise<number> {
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort(Object.assign(new Error('Interrupted.'), { code: 'INTERRUPTED' }));
  // Once: a second Ctrl-C ends the process as it would any other.
  process.once('SIGINT', interrupt);
  // Whoever reads us (`splitrock jobs list | head`) may have enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_CODES.ok);
  });
  const output = new Output(process.stdout, process.stderr);
  let exitCode: number = EXIT_CODES.ok;
  const context: CliContext = {
    output,
    cwd: process.cwd(),
    env: process.env,
    get stdin() {
      return process.stdin;
    },
    resolveFrom,
    signal: interruption.signal,
    setExitCode: (code) => (exitCode = code),
  };
  try {
    await createProgram(context).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what is wrong itself; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    const report = reportOf(interruption.signal.aborted ? interruption.signal.reason : error);
    output.note(args.includes('--json') ? JSON.stringify({ error: report }, undefined, 2) : formatReport(report));
    return exitCodeOf(report);
  } finally {
    process.off('SIGINT', interrupt);
    // A pipe that nobody reads any more would keep an interrupted command alive.
    if (interruption.signal.aborted) process.stdin.destroy();
  }
}
