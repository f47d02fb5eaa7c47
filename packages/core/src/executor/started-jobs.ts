/** The jobs that an executor has started or attached to, until they are cleaned. */
import type { BackendDiagnosis } from '../contracts/backend.ts';
import { formatJobId, type JobRef } from '../contracts/calls.ts';
import type { JobEmitter } from '../job/job-events.ts';
import type { JobRun } from '../job/job-run.ts';
import type { Job } from '../job/job.ts';

export interface StartedJob {
  readonly job: Job<unknown>;
  readonly kind: 'call' | 'map';
  /** Another process may need it: it outlives this executor. */
  readonly detached: boolean;
}

export class StartedJobs {
  /** By id, in the order of their start. */
  readonly #jobs = new Map<string, StartedJob>();
  readonly #runs = new Map<string, JobRun>();
  readonly #emitters = new Map<string, JobEmitter>();
  /** What the backend has told and not taken back, by code. */
  readonly #standing = new Map<string, BackendDiagnosis>();
  /** Those whose results were not asked for by a `getResult` without arguments. */
  readonly #unread = new Set<StartedJob>();
  #lastNumber = 0;

  /** The number of the next job: no number is used twice, whatever was forgotten. */
  nextNumber(): number {
    return (this.#lastNumber += 1);
  }

  add(started: StartedJob): void {
    this.#jobs.set(started.job.id, started);
    this.#unread.add(started);
  }

  /** A job has begun: what the backend tells of it is for this run. */
  begun(run: JobRun): void {
    this.#runs.set(run.jobId, run);
  }

  /**
   * From now on the job hears what the backend tells whoever waits, and what still stands of earlier: it may wait for
   * workers before it has begun, and a backend tells a trouble once.
   */
  listens(ref: JobRef, emitter: JobEmitter): void {
    this.#emitters.set(formatJobId(ref), emitter);
    // Whoever gets the job adds listeners to it first.
    queueMicrotask(() => {
      for (const diagnosis of this.#standing.values()) {
        if (concerns(diagnosis, formatJobId(ref))) emitter.emit('job:diagnosis', diagnosis);
      }
    });
  }

  tell(diagnosis: BackendDiagnosis): void {
    if (diagnosis.severity === 'info') this.#standing.delete(diagnosis.code);
    else this.#standing.set(diagnosis.code, diagnosis);
    for (const [id, emitter] of this.#emitters) if (concerns(diagnosis, id)) emitter.emit('job:diagnosis', diagnosis);
  }

  get(ref: JobRef): Job<unknown> | undefined {
    return this.#jobs.get(formatJobId(ref))?.job;
  }

  run(ref: JobRef): JobRun | undefined {
    return this.#runs.get(formatJobId(ref));
  }

  /** Of all jobs that have begun. */
  get runs(): readonly JobRun[] {
    return [...this.#runs.values()];
  }

  get all(): readonly Job<unknown>[] {
    return [...this.#jobs.values()].map(({ job }) => job);
  }

  /** Those that end with this executor. */
  get own(): readonly Job<unknown>[] {
    return [...this.#jobs.values()].filter(({ detached }) => !detached).map(({ job }) => job);
  }

  /** Gives each job once. */
  takeUnread(): readonly StartedJob[] {
    const unread = [...this.#unread];
    this.#unread.clear();
    return unread;
  }

  /** Lets go of jobs that are over, with all that was kept of their calls; whoever holds one keeps what it has. */
  async forget(jobs: readonly Job<unknown>[]): Promise<void> {
    await Promise.all(
      jobs.filter(isOver).map(async ({ id }) => {
        const started = this.#jobs.get(id);
        if (started === undefined) return;
        this.#jobs.delete(id);
        this.#unread.delete(started);
        await this.#runs.get(id)?.close();
        this.#runs.delete(id);
        this.#emitters.delete(id);
      }),
    );
  }
}

const concerns = ({ jobs }: BackendDiagnosis, id: string): boolean =>
  jobs === undefined || jobs.some((job) => formatJobId(job) === id);

/** Whether every call has ended. */
export const isOver = (job: Job<unknown>): boolean =>
  job.progress.total !== undefined && job.progress.settled === job.progress.total;
