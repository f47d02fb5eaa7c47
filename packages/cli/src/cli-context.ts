/** What every command gets: the outside world, and the user's choices on the command line. */
import type { ConfigInput, ExecutorOptions } from '@splitrock/core';
import type { Output } from './output/output.ts';

export interface CliContext {
  readonly output: Output;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Modules whose packages may bring plugins. */
  readonly resolveFrom: readonly (URL | string)[];
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Sets the exit code of a command that ended without an error, but not well. */
  setExitCode(code: number): void;
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly config?: string;
  readonly backend?: string;
  readonly storage?: string;
  readonly monitoring?: string;
  readonly tenant?: string;
  readonly logLevel?: string;
}

/** The command line as the configuration's highest layer. Wrong values are the configuration's to refuse. */
export function overridesOf({ backend, storage, monitoring, tenant, logLevel }: CommonOptions): ConfigInput {
  const given = Object.entries({ backend, storage, monitoring, tenant, logLevel }).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(given);
}

/** The variables as the configuration sees them: `--config` stands above `SPLITROCK_CONFIG`. */
export function environmentOf(context: CliContext, { config }: CommonOptions): CliContext['env'] {
  return config === undefined ? context.env : { ...context.env, SPLITROCK_CONFIG: config };
}

/** Options of an executor that works as the command line says. */
export function executorOptionsOf(context: CliContext, options: CommonOptions): ExecutorOptions {
  // An executor reads the environment by itself.
  if (options.config !== undefined) process.env['SPLITROCK_CONFIG'] = options.config;
  return { ...overridesOf(options), cwd: context.cwd, resolveFrom: context.resolveFrom };
}
