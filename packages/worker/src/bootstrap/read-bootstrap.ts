/** Reads the worker's bootstrap from an inherited descriptor or a file; it holds credentials, so it is never printed. */
import { readFileSync } from 'node:fs';
import { ConfigError, type WorkerBootstrap } from '@splitrock/core/plugin';
import { z } from 'zod';

const pluginRef = z.strictObject({ module: z.string().min(1), name: z.string().min(1), options: z.unknown() });

const bootstrapSchema = z.strictObject({
  version: z.literal(1),
  workerId: z.string().min(1),
  tenant: z.string().min(1),
  backend: pluginRef,
  storage: pluginRef,
  monitoring: pluginRef,
  dataStorages: z.array(pluginRef).exactOptional(),
  slots: z.strictObject({
    workerProcesses: z.int().min(1).max(4096),
    callsPerProcess: z.int().min(1).max(100_000),
    kind: z.enum(['process', 'thread']),
  }),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
});

/**
 * What a worker's own environment says, which wins over a file: one file (of a pool's Secret) may start many workers, of
 * which each has its own id and perhaps its own size.
 */
const ENVIRONMENT = {
  workerId: 'SPLITROCK_WORKER_ID',
  workerProcesses: 'SPLITROCK_WORKER_PROCESSES',
  callsPerProcess: 'SPLITROCK_WORKER_CALLS_PER_PROCESS',
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param from `fd:N` for a descriptor, which is read to its end, or a path. Only a file's content gives way to the
 * environment: a descriptor is this worker's alone, and what starts it may itself be a call in some other worker.
 * @throws ConfigError `CONFIG_UNREADABLE`, `CONFIG_INVALID` with the paths of all problems, never with values.
 */
export function readBootstrap(from: string, env: Environment = process.env): WorkerBootstrap {
  const fd = /^fd:([0-9]+)$/.exec(from)?.[1];
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(fd === undefined ? from : Number(fd), 'utf8'));
  } catch (error) {
    // A syntax error's message can quote the text, so only the kind of trouble is told.
    const why = (error as NodeJS.ErrnoException).code ?? 'not JSON';
    throw new ConfigError('CONFIG_UNREADABLE', `The worker's bootstrap cannot be read [from=${from}, why=${why}].`);
  }
  const parsed = bootstrapSchema.safeParse(fd === undefined ? withEnvironment(value, env) : value);
  if (parsed.success) return parsed.data;
  const paths = parsed.error.issues.map((issue) => issue.path.join('.') || '(all)').join(', ');
  throw new ConfigError(
    'CONFIG_INVALID',
    `The worker's bootstrap is not one [paths=${paths}]; use the same Splitrock version for client and worker.`,
  );
}

/** Of texts that are no numbers the schema tells. */
function withEnvironment(value: unknown, env: Environment): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { slots, ...rest } = value as { readonly slots?: object };
  const workerId = env[ENVIRONMENT.workerId];
  const sizes = (['workerProcesses', 'callsPerProcess'] as const).flatMap((key) => {
    const text = env[ENVIRONMENT[key]];
    return text === undefined ? [] : [[key, Number(text)]];
  });
  return {
    ...rest,
    ...(workerId === undefined ? {} : { workerId }),
    slots: { ...slots, ...(Object.fromEntries(sizes) as object) },
  };
}
