/** The client's view of one call. */
import type { CallError } from '../errors/splitrock-error.ts';
import type { ResultLocation } from '../wire/gather.ts';
import type { CallRecord } from './call-records.ts';
import type { JobRun } from './job-run.ts';
import { RESULT_SOURCE, type ResultSource } from './result-source.ts';

/** How a call ended. Shaped like the entries of `Promise.allSettled`, with what is known of the call. */
export type CallOutcome<R> =
  | { readonly status: 'fulfilled'; readonly callId: number; readonly attempts: number; readonly value: R }
  | { readonly status: 'rejected'; readonly callId: number; readonly attempts: number; readonly reason: CallError };

/** What a future needs of its job. */
export interface FutureHost {
  readonly id: string;
  readonly ref: { readonly executorId: string; readonly jobNumber: number };
  /** The job's run, once it has begun. Rejects when the job could not begin. */
  readonly run: Promise<JobRun>;
  cancelCalls(callIds: readonly number[]): Promise<void>;
}

/**
 * The future of one call. Awaiting it gives the call's value or throws its {@link CallError}.
 *
 * A future may be an input of another job: that call runs once this one has its value, which goes there directly.
 */
export class CallFuture<R> implements PromiseLike<R> {
  readonly callId: number;
  readonly #host: FutureHost;
  #result: Promise<R> | undefined;

  /** @internal Futures come from `job.future` and `callAsync`. */
  constructor(host: FutureHost, callId: number) {
    this.#host = host;
    this.callId = callId;
  }

  /** The id of the job that this call belongs to. */
  get jobId(): string {
    return this.#host.id;
  }

  /** The call's value. Asking again gives the same promise. @throws CallError, or why its job could not run. */
  result(): Promise<R> {
    if (this.#result === undefined) {
      this.#result = this.settled().then((outcome) => {
        if (outcome.status === 'fulfilled') return outcome.value;
        throw outcome.reason;
      });
    }
    return this.#result;
  }

  // A future is meant to be awaited, like a promise.
  // oxlint-disable-next-line unicorn/no-thenable -- awaiting it is the point
  then<Value = R, Error = never>(
    onFulfilled?: ((value: R) => Value | PromiseLike<Value>) | null,
    onRejected?: ((reason: unknown) => Error | PromiseLike<Error>) | null,
  ): Promise<Value | Error> {
    return this.result().then(onFulfilled, onRejected);
  }

  /** Resolves once the call has ended, however it did. */
  async whenSettled(): Promise<void> {
    const run = await this.#host.run;
    if (!run.isSettled(this.callId)) await run.settled.whenSettled(this.callId);
  }

  /** How the call ended, as a value: rejects only if the whole job could not run. */
  async settled(): Promise<CallOutcome<R>> {
    await this.whenSettled();
    return outcomeOf<R>(await this.#host.run, this.callId);
  }

  /** When and where the call ran; `undefined` until it has ended. */
  async record(): Promise<CallRecord | undefined> {
    const run = await this.#host.run;
    return run.records.get(this.callId, run.name);
  }

  /** Cancels this call only; final. Resolves when its backend knows. */
  cancel(): Promise<void> {
    return this.#host.cancelCalls([this.callId]);
  }

  get [RESULT_SOURCE](): ResultSource {
    return {
      ref: { ...this.#host.ref, callId: this.callId },
      locations: async () => [await settledLocation(await this.#host.run, this.callId)],
    };
  }
}

/** The outcome of a settled call. */
export async function outcomeOf<R>(run: JobRun, callId: number): Promise<CallOutcome<R>> {
  const attempts = run.attemptsOf(callId);
  const reason = run.errorOf(callId);
  if (reason !== undefined) return { status: 'rejected', callId, attempts, reason };
  const value = (await run.results.value(callId, run.decoder.decodeResult)) as R;
  return { status: 'fulfilled', callId, attempts, value };
}

/** Where a call's result is, once it is settled. @throws the call's error if it has none. */
export async function settledLocation(run: JobRun, callId: number): Promise<ResultLocation> {
  if (!run.isSettled(callId)) await run.settled.whenSettled(callId);
  const location = run.results.location(callId);
  if (location === undefined) throw run.errorOf(callId) as CallError;
  return location;
}
