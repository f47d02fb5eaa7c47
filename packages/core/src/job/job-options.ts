/** Options of a job: what users may say per `callAsync`, `map` and `mapReduce`, and its defaults from the configuration. */
import { z } from 'zod';
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import type { AttemptFailure, JobPolicy } from './job-policy.ts';

const ms = z.number().min(0).max(31_536_000_000);

const retrySchema = z.strictObject({
  attempts: z.int().min(1).max(1000).default(3).describe('How often a call may run, the first time included.'),
  backoffMs: ms.default(200).describe('Wait before the second attempt, in milliseconds.'),
  backoffFactor: z.number().min(1).max(10).default(2).describe('By what the wait grows with each further attempt.'),
  maxBackoffMs: ms.default(30_000).describe('Longest wait between attempts, in milliseconds.'),
});

const speculateSchema = z.strictObject({
  quantile: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe('Part of the calls that must have ended before backups are made.'),
  factor: z.number().min(1).default(2).describe('How many times the median duration a call must have run.'),
  minMs: ms.default(200).describe('Calls younger than this get no backup, in milliseconds.'),
});

const rateSchema = z.strictObject({
  calls: z.number().positive().describe('Calls that may start …'),
  perMs: z.number().positive().default(1000).describe('… in this many milliseconds.'),
});

const shape = {
  timeoutMs: z
    .number()
    .positive()
    .max(2_147_483_647)
    .nullable()
    .default(null)
    .describe('How long one attempt may run, in milliseconds; null: as long as it takes. Queueing does not count.'),
  abortGraceMs: ms
    .default(2_000)
    .describe('After the abort signal of a timeout or a cancellation: how long until SIGTERM, in milliseconds.'),
  killGraceMs: ms.default(2_000).describe('After SIGTERM: how long until SIGKILL, in milliseconds.'),
  retries: z
    .union([z.int().min(0).max(999), retrySchema])
    .default(0)
    .describe(
      'Further attempts after the function threw or timed out: a number, or { attempts, backoffMs, backoffFactor, maxBackoffMs }.',
    ),
  lostAttempts: z
    .int()
    .min(1)
    .max(200)
    .default(3)
    .describe('How many workers may die under a call until it is lost itself.'),
  concurrency: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Calls of this job that may run at once; null: as many as there are slots.'),
  rateLimit: rateSchema.nullable().default(null).describe('How many calls may start in a time; null: no limit.'),
  chunkSize: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe('Calls that a slot takes at a time; null: adapted to how long calls take.'),
  env: z
    .record(z.string().regex(/^[^=\0]+$/), z.string())
    .default({})
    .describe('Environment variables while a call runs.'),
  memoryMiB: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Memory a call may use beyond what an idle slot process needs, in MiB; null: the worker’s.'),
  cpu: z.int().min(1).max(1024).default(1).describe('Slot processes that one call occupies.'),
  readAhead: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_000)
    .describe(
      'Lazy inputs (iterables, generators): how many calls may be unfinished, or finished and not yet taken from asCompleted, before reading pauses.',
    ),
  maxLogBytes: z
    .int()
    .min(0)
    .default(1_048_576)
    .describe('Output kept per call, in bytes; what is beyond is counted and dropped.'),
  inlineResultBytes: z
    .int()
    .min(0)
    .max(1_048_576)
    .default(65_536)
    .describe('Encoded results up to this size travel in the status; larger ones through storage.'),
  speculate: z
    .union([z.boolean(), speculateSchema])
    .default(false)
    .describe('Backup copies of stragglers; the first result wins.'),
  failFast: z.boolean().default(false).describe('The first call that fails cancels the others.'),
  detached: z
    .boolean()
    .default(false)
    .describe('The job outlives the executor: it is neither cancelled nor cleaned when the executor is disposed.'),
};

/** The `job` section of the configuration: defaults for all jobs. */
export const jobDefaultsSchema = z.strictObject(shape);

export type JobDefaults = z.infer<typeof jobDefaultsSchema>;

/** When a failed attempt is tried again. */
export interface RetryOptions extends Partial<z.infer<typeof retrySchema>> {
  /**
   * Which failures deserve another attempt: names of error classes (`['TimeoutError', 'FetchError']`; the call's own
   * timeout is `CallTimeoutError`), or a function that is asked with name and message of what was thrown.
   * @defaultValue every error and timeout
   */
  readonly retryIf?: readonly string[] | ((failure: RetryQuestion) => boolean);
}

export interface RetryQuestion {
  /** `name` of what the function threw, or `CallTimeoutError`. */
  readonly name: string;
  readonly message: string;
}

/** What users may pass. Absent options come from the configuration's `job` section. */
export interface JobOptions extends Partial<Omit<z.input<typeof jobDefaultsSchema>, 'retries'>> {
  /** For people: progress, logs, pictures. @defaultValue the function's name */
  readonly name?: string;
  readonly retries?: number | RetryOptions;
  /** Aborting it cancels the job. */
  readonly signal?: AbortSignal;
  /** Packages that are not bundled but taken from the workers' runtime. */
  readonly external?: readonly string[];
  /**
   * Classes whose instances are among the inputs, so that they arrive as such. Not needed for classes that the function
   * names, nor for inputs given as an array: those are looked through.
   */
  readonly classes?: readonly (abstract new (...args: never[]) => unknown)[];
  /** The function's `this` on the worker. */
  readonly this?: unknown;
}

/** Options with all defaults filled in. */
export interface ResolvedJobOptions extends JobDefaults {
  readonly retryIf: RetryOptions['retryIf'];
}

const OWN_KEYS = new Set(['name', 'signal', 'external', 'classes', 'this']);

/**
 * Checks options at once, without the configuration: `map` refuses bad ones before anything happens.
 * @throws InvalidArgumentError `ARGUMENT_INVALID` listing every problem.
 */
export function checkJobOptions(options: JobOptions): void {
  resolveJobOptions(options, {});
  const { name, signal, external, classes } = options;
  const problems = [
    ...(name !== undefined && (typeof name !== 'string' || name.length > 200)
      ? ['name: must be a text of at most 200 characters']
      : []),
    ...(signal !== undefined && !(signal instanceof AbortSignal) ? ['signal: must be an AbortSignal'] : []),
    ...(external !== undefined && !Array.isArray(external) ? ['external: must be an array of package names'] : []),
    ...(classes !== undefined && !(Array.isArray(classes) && classes.every((cls) => typeof cls === 'function'))
      ? ['classes: must be an array of classes']
      : []),
  ];
  if (problems.length > 0) throw invalidOptions(problems);
}

/** Options over the configuration's defaults over the built-in ones. */
export function resolveJobOptions(options: JobOptions, defaults: Partial<JobDefaults>): ResolvedJobOptions {
  const given = Object.entries(options).filter(([key, value]) => !OWN_KEYS.has(key) && value !== undefined);
  const merged: Record<string, unknown> = { ...defaults, ...Object.fromEntries(given) };
  let retryIf: RetryOptions['retryIf'];
  if (typeof merged['retries'] === 'object' && merged['retries'] !== null && 'retryIf' in merged['retries']) {
    const { retryIf: condition, ...retries } = merged['retries'] as RetryOptions;
    retryIf = condition;
    merged['retries'] = retries;
  }
  const parsed = jobDefaultsSchema.safeParse(merged);
  if (!parsed.success) {
    throw invalidOptions(parsed.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`));
  }
  if (retryIf !== undefined && typeof retryIf !== 'function' && !Array.isArray(retryIf)) {
    throw invalidOptions(['retries.retryIf: must be an array of error names or a function']);
  }
  return { ...parsed.data, retryIf };
}

const invalidOptions = (problems: readonly string[]): InvalidArgumentError =>
  new InvalidArgumentError('ARGUMENT_INVALID', `Job options are invalid: ${problems.join('; ')}.`, {
    details: { problems },
  });

/** The policy that these options ask for. */
export function policyOf(options: ResolvedJobOptions): JobPolicy {
  const retry =
    typeof options.retries === 'number' ? retrySchema.parse({ attempts: options.retries + 1 }) : options.retries;
  return {
    ...retry,
    retryable: (failure) => isRetryable(failure, options.retryIf),
    lostAttempts: options.lostAttempts,
    concurrency: options.concurrency ?? Infinity,
    rateLimit: options.rateLimit ?? undefined,
    speculation: speculationOf(options.speculate),
    failFast: options.failFast,
  };
}

function speculationOf(speculate: JobDefaults['speculate']): JobPolicy['speculation'] {
  if (speculate === false) return undefined;
  return speculate === true ? speculateSchema.parse({}) : speculate;
}

function isRetryable(failure: AttemptFailure, condition: RetryOptions['retryIf']): boolean {
  if (condition === undefined) return true;
  const question: RetryQuestion =
    failure.kind === 'error'
      ? { name: failure.name, message: failure.message }
      : { name: 'CallTimeoutError', message: 'the call timed out' };
  return typeof condition === 'function' ? condition(question) : condition.includes(question.name);
}
