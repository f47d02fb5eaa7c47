/** Options of the localhost backend. */
import { availableParallelism } from 'node:os';
import { readAmbientWorker } from '@splitrock/core/plugin';
import { z } from 'zod';

/** Inside a call the machine is already shared by the slots around it: one process more, not one per core. */
const defaultWorkerProcesses = (): number => (readAmbientWorker() === undefined ? availableParallelism() : 1);

export const localhostBackendOptionsSchema = z.strictObject({
  workerProcesses: z
    .int()
    .min(1)
    .max(1024)
    .default(defaultWorkerProcesses)
    .describe(
      'Processes (or threads) that run calls. Default: the number of CPUs that this process may use; 1 for an executor made inside a call.',
    ),
  callsPerProcess: z
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('Asynchronous calls that one process runs at once. Raise it for functions that mostly wait.'),
  slotKind: z
    .enum(['process', 'thread'])
    .default('process')
    .describe(
      '`process`: a call that crashes, runs out of memory or blocks takes only itself down. `thread`: starts faster, but a native crash takes the whole worker and its calls are tried again.',
    ),
  nodeOptions: z
    .array(z.string().regex(/^-/, 'must be a flag of node, beginning with -'))
    .default([])
    .describe(
      'Flags of `node` for the worker and its processes, such as `--enable-source-maps`. A heap limit belongs to the job (`memoryMiB`).',
    ),
  startTimeoutMs: z
    .int()
    .min(1_000)
    .default(30_000)
    .describe('How long a worker may take from its start until it offers room for calls, in milliseconds.'),
  workerLogLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('warn')
    .describe("What the worker runtime logs of itself; it is passed on to the executor's logger."),
});

export type LocalhostBackendOptions = z.infer<typeof localhostBackendOptionsSchema>;
