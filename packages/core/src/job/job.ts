/** The user's handle on a job. */
import { formatJobId, type JobRef } from '../contracts/calls.ts';
import type { Logger } from '../contracts/logger.ts';
import { IllegalStateError, JobFailedError } from '../errors/splitrock-error.ts';
import type { ResultLocation } from '../wire/gather.ts';
import { CallFuture, outcomeOf, settledLocation, type CallOutcome } from './call-future.ts';
import type { CallRecord } from './call-records.ts';
import { JobEmitter, type JobEventName, type JobListener } from './job-events.ts';
import type { JobCounts } from './job-machine.ts';
import type { JobRun } from './job-run.ts';
import { RESULT_SOURCE, type ResultSource } from './result-source.ts';

/** What {@link Job} is made of; the executor supplies it. */
export interface JobParts {
  readonly ref: JobRef;
  readonly name: string;
  readonly logger: Logger;
  /** Begins the run. `signal` aborts when the job is cancelled before or while it runs. */
  begin(emitter: JobEmitter, signal: AbortSignal): Promise<JobRun>;
}

export interface AsCompletedOptions {
  /**
   * Whether results stay available after the iteration took them. With `false` they are let go, so that an endless
   * input needs little memory; awaiting the job or its `settled()` is then refused. @defaultValue true
   */
  readonly keep?: boolean;
}

/**
 * A job: one `map`, many calls.
 *
 * - `await job` gives all values in input order once every call has ended, or throws: the call's error if one failed,
 *   a {@link JobFailedError} with all of them if several did. One call's failure stops no other (see `failFast`).
 * - `for await (const outcome of job.asCompleted())` gives outcomes as calls end.
 * - `job.settled()` gives all outcomes in input order and does not throw for failed calls.
 *
 * Results are position-stable; `null` and `undefined` are results. Nothing is thrown behind your back: a job that is
 * never awaited rejects nowhere.
 */
export class Job<R> implements PromiseLike<R[]> {
  readonly id: string;
  readonly name: string;
  readonly #parts: JobParts;
  readonly #emitter: JobEmitter;
  readonly #controller = new AbortController();
  readonly #run: Promise<JobRun>;
  #begun: JobRun | undefined;
  #values: Promise<R[]> | undefined;
  #released = false;

  /** @internal Jobs come from an executor. */
  constructor(parts: JobParts) {
    this.#parts = parts;
    this.id = formatJobId(parts.ref);
    this.name = parts.name;
    this.#emitter = new JobEmitter(parts.logger);
    this.#run = parts.begin(this.#emitter, this.#controller.signal).then((run) => (this.#begun = run));
    // Whoever waits for the job gets the rejection; nobody waiting must not end the process.
    this.#run.catch(() => {});
  }

  /** Counts for progress displays; all zero until the job has begun. */
  get progress(): JobCounts {
    return (
      this.#begun?.counts ?? { known: 0, total: undefined, settled: 0, failed: 0, inFlight: 0, running: 0, retries: 0 }
    );
  }

  /** The number of calls, once it is final: at once for arrays, after the last item for lazy inputs. */
  get finalSize(): Promise<number> {
    return this.#run.then((run) => run.whenSizeKnown());
  }

  /** The future of one call. It need not exist yet. */
  future(callId: number): CallFuture<R> {
    return new CallFuture<R>(
      {
        id: this.id,
        ref: this.#parts.ref,
        run: this.#run,
        cancelCalls: async (callIds) => {
          const run = await this.#run;
          await run.cancel(callIds.map((id) => ({ from: id, to: id + 1 })));
        },
      },
      callId,
    );
  }

  /** The futures of all calls, in input order, once their number is final. */
  async futures(): Promise<CallFuture<R>[]> {
    const size = await this.finalSize;
    return Array.from({ length: size }, (_, callId) => this.future(callId));
  }

  /** All values in input order. Asking again gives the same promise, until {@link retryFailed}. */
  result(): Promise<R[]> {
    this.#values ??= this.#collect();
    return this.#values;
  }

  // A job is meant to be awaited, like a promise.
  // oxlint-disable-next-line unicorn/no-thenable -- awaiting it is the point
  then<Value = R[], Error = never>(
    onFulfilled?: ((values: R[]) => Value | PromiseLike<Value>) | null,
    onRejected?: ((reason: unknown) => Error | PromiseLike<Error>) | null,
  ): Promise<Value | Error> {
    return this.result().then(onFulfilled, onRejected);
  }

  /** Every call's outcome, in input order, once all have ended. Rejects only if the whole job could not run. */
  async settled(): Promise<CallOutcome<R>[]> {
    const run = await this.#ended();
    if (this.#released) throw this.#releasedError();
    return Promise.all(Array.from({ length: run.counts.known }, (_, callId) => outcomeOf<R>(run, callId)));
  }

  /**
   * Outcomes as calls end. The consumer sets the pace: lazy inputs are read only `readAhead` calls ahead of what it
   * has taken. Several iterations each see every call. Leaving the loop early stops nothing.
   */
  async *asCompleted(options: AsCompletedOptions = {}): AsyncGenerator<CallOutcome<R>, void, undefined> {
    const run = await this.#run;
    const { settled } = run;
    settled.beginTaking();
    const release = options.keep === false;
    this.#released ||= release;
    for (let taken = 0; ; taken += 1) {
      await settled.whenMoreThan(taken);
      const callId = settled.order[taken];
      if (callId === undefined) break;
      const outcome = await outcomeOf<R>(run, callId);
      settled.take();
      if (release) run.results.release(callId);
      yield outcome;
    }
    if (run.readingError !== undefined) throw run.readingError as Error;
  }

  /** Cancels all calls that have not ended; final. Resolves when the backend knows. Waiting for the job then throws. */
  async cancel(reason?: unknown): Promise<void> {
    this.#controller.abort(reason);
    const run = await this.#run.catch(() => undefined);
    await run?.cancel();
  }

  /**
   * Runs the calls that ended without a value once more, with fresh retry budgets. The job is open again: awaiting it
   * gives the values of both rounds in input order.
   * @returns this job
   * @throws IllegalStateError `ILLEGAL_STATE` while calls are still running, and after the job was cleaned.
   */
  retryFailed(): this {
    const run = this.#begun;
    if (run?.isClosed === true) {
      throw new IllegalStateError(
        'ILLEGAL_STATE',
        `Job ${this.name} was cleaned, or its executor disposed [job=${this.id}]; start a new job.`,
      );
    }
    if (run === undefined || !run.settled.ended) {
      throw new IllegalStateError(
        'ILLEGAL_STATE',
        `Job ${this.name} has not ended [job=${this.id}]; await job.settled() before retryFailed().`,
      );
    }
    this.#values = undefined;
    run.retryFailed();
    return this;
  }

  /** Observes the job; the returned function stops it. Listeners are called synchronously; what they throw is logged. */
  on<Name extends JobEventName>(name: Name, listener: JobListener<Name>): () => void {
    return this.#emitter.on(name, listener);
  }

  /** When and where each call ran that has ended, in order of call ids. */
  records(): CallRecord[] {
    return this.#begun === undefined ? [] : [...this.#begun.records.entries(this.name)];
  }

  /** @internal The job's run, for the executor. */
  get run(): Promise<JobRun> {
    return this.#run;
  }

  /** @internal Some calls' results as one input. */
  resultSourceOf(callIds: readonly number[]): ResultSource {
    if (callIds.length === this.progress.total) return this[RESULT_SOURCE];
    return {
      ref: { ...this.#parts.ref, callIds },
      locations: async () => {
        const run = await this.#run;
        const locations: ResultLocation[] = [];
        for (const callId of callIds) locations.push(await settledLocation(run, callId));
        return locations;
      },
    };
  }

  /** @internal The result of the call with the highest id: of a reduction, its value. */
  get lastResultSource(): ResultSource {
    return {
      ref: { ...this.#parts.ref, last: true },
      locations: async () => {
        const size = await this.finalSize;
        return [await settledLocation(await this.#run, size - 1)];
      },
    };
  }

  get [RESULT_SOURCE](): ResultSource {
    return {
      ref: this.#parts.ref,
      locations: async () => {
        const run = await this.#ended();
        this.#throwIfFailed(run);
        return Array.from({ length: run.counts.known }, (_, callId) => {
          const location = run.results.location(callId);
          if (location === undefined) throw this.#releasedError();
          return location;
        });
      },
    };
  }

  async #ended(): Promise<JobRun> {
    const run = await this.#run;
    await run.settled.whenEnded();
    return run;
  }

  async #collect(): Promise<R[]> {
    const run = await this.#ended();
    this.#throwIfFailed(run);
    if (this.#released) throw this.#releasedError();
    return (await run.results.values(run.counts.known, run.decoder.decodeResult)) as R[];
  }

  #throwIfFailed(run: JobRun): void {
    if (run.readingError !== undefined) throw run.readingError as Error;
    const failed = run.failedCalls();
    if (failed.length === 0) return;
    const first = run.errorOf(failed[0] as number);
    if (failed.length === 1) throw first as Error;
    const errors = failed.slice(0, JobFailedError.MAX_ERRORS).map((callId) => run.errorOf(callId) as Error);
    throw new JobFailedError(this.id, this.name, failed.length, run.counts.known, errors);
  }

  #releasedError(): IllegalStateError {
    return new IllegalStateError(
      'ILLEGAL_STATE',
      `Results of job ${this.name} were let go by asCompleted({ keep: false }) [job=${this.id}].`,
    );
  }
}
