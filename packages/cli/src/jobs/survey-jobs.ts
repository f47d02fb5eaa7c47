/** Surveys the jobs that a storage holds: whose they are, how large, and when they last gave a sign of life. */
import { hostname } from 'node:os';
import {
  JOBS_PREFIX,
  decodeJobDescriptor,
  formatJobId,
  jobDescriptorKey,
  type JobDescriptor,
  type JobRef,
  type Storage,
} from '@splitrock/core/plugin';

/** Where the client that submitted a job is. */
export type ClientState = 'alive' | 'dead' | 'unknown';

export interface JobSurvey {
  readonly job: JobRef;
  readonly jobId: string;
  /** Absent when the descriptor is missing or cannot be read: the client was killed before it wrote it. */
  readonly descriptor?: JobDescriptor;
  readonly client: ClientState;
  /** Whether the job is meant to outlive its client. */
  readonly detached: boolean;
  readonly objects: number;
  readonly bytes: number;
  /** When one of its objects was last written, by the store's clock. */
  readonly lastActivityAtMs: number;
}

interface Tally {
  readonly job: JobRef;
  objects: number;
  bytes: number;
  lastActivityAtMs: number;
}

/** Surveys all jobs, or those below a prefix of keys, in order of their keys. */
export async function* surveyJobs(storage: Storage, prefix: string, signal: AbortSignal): AsyncGenerator<JobSurvey> {
  let tally: Tally | undefined;
  for await (const { key, size, modifiedAtMs } of storage.list(prefix, { signal })) {
    const job = jobOfKey(key);
    if (job === undefined) continue;
    // Keys come in order, so a job is complete when the next one begins.
    if (tally === undefined || formatJobId(tally.job) !== formatJobId(job)) {
      if (tally !== undefined) yield await complete(tally, storage, signal);
      tally = { job, objects: 0, bytes: 0, lastActivityAtMs: 0 };
    }
    tally.objects += 1;
    tally.bytes += size;
    tally.lastActivityAtMs = Math.max(tally.lastActivityAtMs, modifiedAtMs);
  }
  if (tally !== undefined) yield await complete(tally, storage, signal);
}

/** The job that an object belongs to. */
function jobOfKey(key: string): JobRef | undefined {
  const match = /^([a-z0-9]{12})\/([0-9]{6,})\//.exec(key.startsWith(JOBS_PREFIX) ? key.slice(JOBS_PREFIX.length) : '');
  return match ? { executorId: match[1] as string, jobNumber: Number(match[2]) } : undefined;
}

async function complete(tally: Tally, storage: Storage, signal: AbortSignal): Promise<JobSurvey> {
  const descriptor = await readDescriptor(storage, tally.job, signal);
  const record = clientRecordOf(descriptor);
  return {
    ...tally,
    jobId: formatJobId(tally.job),
    ...(descriptor === undefined ? {} : { descriptor }),
    client: record === undefined ? 'unknown' : clientState(record),
    detached: record?.detached ?? false,
  };
}

/** `undefined` when there is none or it is damaged: such a job is still to be listed and cleaned. */
export async function readDescriptor(
  storage: Storage,
  job: JobRef,
  signal: AbortSignal,
): Promise<JobDescriptor | undefined> {
  try {
    return decodeJobDescriptor(await storage.get(jobDescriptorKey(job), { signal }));
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'STORAGE_OBJECT_NOT_FOUND' || code === 'DATA_CORRUPT' || code === 'DATA_VERSION') return undefined;
    throw error;
  }
}

interface ClientRecord {
  readonly host: string;
  readonly pid: number;
  readonly detached: boolean;
}

/** What the submitting client wrote of itself; another version of it may have written something else. */
function clientRecordOf(descriptor: JobDescriptor | undefined): ClientRecord | undefined {
  const record = descriptor?.client as
    { host?: unknown; pid?: unknown; options?: { detached?: unknown } } | null | undefined;
  if (typeof record?.host !== 'string' || typeof record.pid !== 'number') return undefined;
  return { host: record.host, pid: record.pid, detached: record.options?.detached === true };
}

/** Only this machine's processes can be asked. */
function clientState({ host, pid }: ClientRecord): ClientState {
  if (host !== hostname()) return 'unknown';
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    // A process of another user may not be signalled, so it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : 'dead';
  }
}
