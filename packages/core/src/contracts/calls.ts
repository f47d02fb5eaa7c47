/**
 * The words for jobs and calls that every contract shares.
 *
 * A *job* is one `callAsync`, `map` or reduce; its *calls* are numbered from 0 (the *call id*); every try at a call is
 * an *attempt*, numbered from 1.
 */

/** Names a job everywhere: in storage, messages, labels. */
export interface JobRef {
  /** `[a-z0-9]{12}`, random, unique to one executor. */
  readonly executorId: string;
  /** Number of the job within its executor, from 1. */
  readonly jobNumber: number;
}

/** Call ids `from` (included) to `to` (not included); never empty. */
export interface CallRange {
  readonly from: number;
  readonly to: number;
}

/** Why calls were lost with their worker. Told from exit codes, signals, cgroups and pod status, never guessed. */
export interface LossReason {
  readonly kind: LossKind;
  /** One sentence for people, with the facts: `worker process 4711 was killed by SIGKILL`. */
  readonly message: string;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly workerId?: string;
}

/**
 * - `exit`: the process ended itself with an exit code (user code called `process.exit`);
 * - `crash`: it was ended by a signal or a native fault;
 * - `out-of-memory`: the JavaScript heap was full, or the kernel's OOM killer took it (cgroup counters say so);
 * - `evicted`: the cluster took the pod away; `node-lost`: the node vanished;
 * - `worker-lost`: the worker vanished and nothing more is known;
 * - `start-failed`: no worker could be started.
 */
export type LossKind = 'exit' | 'crash' | 'out-of-memory' | 'evicted' | 'node-lost' | 'worker-lost' | 'start-failed';

/** The id by which people know a job: `<executorId>-<jobNumber>`. */
export const formatJobId = (job: JobRef): string => `${job.executorId}-${job.jobNumber}`;

/** The job a public job id names, or `undefined` if the text is none. */
export function parseJobId(jobId: string): JobRef | undefined {
  const match = /^([a-z0-9]{12})-([1-9][0-9]{0,8})$/.exec(jobId);
  return match ? { executorId: match[1] as string, jobNumber: Number(match[2]) } : undefined;
}
