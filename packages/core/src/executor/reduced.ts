/** The client's view of a `mapReduce`: two jobs and one value. */
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import type { Job } from '../job/job.ts';
import { RESULT_SOURCE, type HasResults, type ResultSource } from '../job/result-source.ts';

export class Reduced<T> implements PromiseLike<T>, HasResults {
  /** The job of the map calls. */
  readonly mapJob: Job<unknown>;
  /** The job of the reduce calls. */
  readonly reduceJob: Job<unknown>;
  readonly #value: () => Promise<T>;
  readonly #isSingle: boolean;
  #result: Promise<T> | undefined;

  /** @internal Made by `mapReduce`. */
  constructor(mapJob: Job<unknown>, reduceJob: Job<unknown>, value: () => Promise<T>, isSingle: boolean) {
    this.mapJob = mapJob;
    this.reduceJob = reduceJob;
    this.#value = value;
    this.#isSingle = isSingle;
  }

  /** The reduced value; with `reduceBy` a Map from key to value. @throws the error of the map or reduce call that failed. */
  result(): Promise<T> {
    this.#result ??= this.#value();
    return this.#result;
  }

  // A reduction is meant to be awaited, like a promise.
  // oxlint-disable-next-line unicorn/no-thenable -- awaiting it is the point
  then<Value = T, Error = never>(
    onFulfilled?: ((value: T) => Value | PromiseLike<Value>) | null,
    onRejected?: ((reason: unknown) => Error | PromiseLike<Error>) | null,
  ): Promise<Value | Error> {
    return this.result().then(onFulfilled, onRejected);
  }

  /** Cancels both jobs; final. */
  async cancel(reason?: unknown): Promise<void> {
    await Promise.all([this.mapJob.cancel(reason), this.reduceJob.cancel(reason)]);
  }

  get [RESULT_SOURCE](): ResultSource {
    if (this.#isSingle) return this.reduceJob.lastResultSource;
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      'A reduction by key has many values and cannot be an input as it is; map over its reduceJob instead.',
    );
  }
}
