/** The user's handle: starts jobs, waits for them, cleans up after them. */
import type { BackendListener, CleanResult } from '../contracts/backend.ts';
import { formatJobId, parseJobId, type JobRef } from '../contracts/calls.ts';
import type { Logger } from '../contracts/logger.ts';
import { dataSetPartitions } from '../datasets/data-set-partitions.ts';
import type { DataSet } from '../datasets/data-set.ts';
import { isPartition, type Partition } from '../datasets/partition.ts';
import { describeValue } from '../errors/describe-value.ts';
import { IllegalStateError, InvalidArgumentError } from '../errors/splitrock-error.ts';
import { CLIENT_ONLY } from '../functions/client-only.ts';
import type { AnyFunction } from '../functions/capture-options.ts';
import { FunctionShipper } from '../functions/ship-function.ts';
import { attachJob } from '../job/attached-job.ts';
import type { CallFuture } from '../job/call-future.ts';
import { encodeItems, readInputs } from '../job/job-inputs.ts';
import { checkJobOptions, resolveJobOptions, type JobOptions } from '../job/job-options.ts';
import type { JobRun } from '../job/job-run.ts';
import { Job, type JobParts } from '../job/job.ts';
import { startJob } from '../job/new-job.ts';
import { RESULT_SOURCE, type ResultSource, type ResultSourceRef } from '../job/result-source.ts';
import { LazyStorage } from '../storage-support/lazy-storage.ts';
import { UserStorage } from '../user-storage/user-storage.ts';
import { assertExternals } from './assert-externals.ts';
import { cleanBackend, cleanMonitoring, cleanStorage } from './clean.ts';
import { compose, disposeAll, type Composition } from './composition.ts';
import { newExecutorId } from './executor-id.ts';
import type { ExecutorOptions } from './executor-options.ts';
import { FunctionUploads } from './function-uploads.ts';
import type { CallFunction, Input, Inputs } from './inputs.ts';
import { KeepAlive } from './keep-alive.ts';
import { lateLogger } from './late-logger.ts';
import { registerLiveExecutor } from './live-executors.ts';
import {
  startMapReduce,
  type GroupedMapReduceOptions,
  type MapReduceOptions,
  type ObjectMapReduceOptions,
  type ReduceFunction,
} from './map-reduce.ts';
import { dataSetInputs } from './data-set-inputs.ts';
import { executorObserver } from './observer.ts';
import { drawPlots, type PlotOptions, type PlotPaths } from './plot.ts';
import type { Reduced } from './reduced.ts';
import { StartedJobs, isOver, type StartedJob } from './started-jobs.ts';
import { waitFor, type WaitOptions, type Waitable, type WaitResult } from './wait.ts';

export interface AttachOptions {
  /**
   * Whether calls that nobody runs any more are submitted again.
   * @defaultValue true, unless the client that submitted the job is alive on this machine
   */
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Runs functions over inputs, in parallel, where the configuration says.
 *
 * Nothing is started before the first job. Methods that start jobs return at once; bad arguments and functions that
 * cannot travel throw there and then, everything later reaches whoever waits for the job.
 *
 * @example
 * ```ts
 * await using executor = new FunctionExecutor();
 * const squares = await executor.map((n) => n * n, [1, 2, 3]);
 * ```
 */
export class FunctionExecutor implements AsyncDisposable {
  /** Twelve of a-z and 0-9, unique; the first part of its jobs' ids. */
  readonly id = newExecutorId();
  /** A function's class may name an executor, but no call can use it. */
  readonly [CLIENT_ONLY] = 'executor';
  /** The configured storage. */
  readonly storage: UserStorage;
  readonly #options: ExecutorOptions;
  readonly #shipper: FunctionShipper;
  readonly #uploads = new FunctionUploads();
  readonly #keepAlive = new KeepAlive();
  readonly #jobs = new StartedJobs();
  #composition: Promise<Composition> | undefined;
  #takeOffLive: () => void = () => {};
  #disposed: Promise<void> | undefined;

  /** Reads nothing yet: configuration, plugins and credentials are looked at when the first job starts. */
  constructor(options: ExecutorOptions = {}) {
    this.#options = options;
    const { maxCapturedBytes } = options;
    if (maxCapturedBytes !== undefined && !(Number.isSafeInteger(maxCapturedBytes) && maxCapturedBytes > 0)) {
      throw new InvalidArgumentError(
        'ARGUMENT_INVALID',
        `maxCapturedBytes must be a whole number of bytes above 0 [maxCapturedBytes=${String(maxCapturedBytes)}].`,
      );
    }
    this.#shipper = new FunctionShipper({
      logger: options.logger ?? this.#lateLogger(),
      ...(maxCapturedBytes === undefined ? {} : { maxEnvironmentBytes: maxCapturedBytes }),
    });
    const storage = new LazyStorage('user', async () => (await this.#compose()).services.storage);
    this.storage = new UserStorage(storage);
  }

  /** Runs a function once; of a job as input it gets all results as an array. @throws InvalidArgumentError, ShipError, SerializationError */
  callAsync<E, R>(fn: CallFunction<E[], R>, input: Job<E>, options?: JobOptions): CallFuture<Awaited<R>>;
  callAsync<I, R>(fn: CallFunction<I, R>, input: Input<I>, options?: JobOptions): CallFuture<Awaited<R>>;
  callAsync<R>(fn: CallFunction<undefined, R>, input?: undefined, options?: JobOptions): CallFuture<Awaited<R>>;
  callAsync(fn: AnyFunction, input?: unknown, options: JobOptions = {}): CallFuture<unknown> {
    return this.#start(fn, [input], options, 'call').future(0);
  }

  /** Runs a function once per item. @throws InvalidArgumentError, ShipError, SerializationError */
  map<I, R>(fn: CallFunction<I, R>, inputs: Inputs<I>, options: JobOptions = {}): Job<Awaited<R>> {
    return this.#start(fn, inputs, options, 'map') as Job<Awaited<R>>;
  }

  /**
   * Runs `map` once per item and `reduce` over its results, in input order: once over all, once per key or per object of a
   * data set (`reduceBy`), or as a tree (`fanIn`). A reduce call starts when its inputs are complete.
   * @throws InvalidArgumentError, ShipError, SerializationError
   */
  mapReduce<M, R>(
    map: CallFunction<Partition, M>,
    inputs: Inputs<Partition>,
    reduce: ReduceFunction<Awaited<M>, R>,
    options: ObjectMapReduceOptions,
  ): Reduced<Map<string, Awaited<R>>>;
  mapReduce<I, M, R, K>(
    map: CallFunction<I, M>,
    inputs: Inputs<I>,
    reduce: ReduceFunction<Awaited<M>, R>,
    options: GroupedMapReduceOptions<I, K>,
  ): Reduced<Map<K, Awaited<R>>>;
  mapReduce<I, M, R>(
    map: CallFunction<I, M>,
    inputs: Inputs<I>,
    reduce: ReduceFunction<Awaited<M>, R>,
    options?: MapReduceOptions,
  ): Reduced<Awaited<R>>;
  mapReduce(map: unknown, inputs: unknown, reduce: unknown, options: MapReduceOptions = {}): Reduced<unknown> {
    const start = (fn: unknown, items: unknown, jobOptions: JobOptions): Job<unknown> =>
      this.#start(fn as AnyFunction, items, jobOptions, 'map');
    return startMapReduce(start, map, inputs, reduce, options);
  }

  /**
   * Looks at the objects of a data set and gives their parts, in order, to be read here or to be picked from:
   * partitions are inputs like others. Nothing is uploaded: workers read a local file's part only on this machine.
   * @throws DataSetError, StorageError, ConfigError, when the first one is asked for
   */
  async *partitions(dataSet: DataSet): AsyncGenerator<Partition, void, void> {
    const composition = await this.#compose();
    yield* dataSetPartitions(dataSet, { storages: composition.dataStorages, cwd: this.#cwd() });
  }

  /**
   * Waits for jobs and futures, all of this executor's by default. Stops nothing when the time is up.
   * @returns the futures whose calls have ended, and the others
   */
  wait(targets?: Waitable | readonly Waitable[], options: WaitOptions = {}): Promise<WaitResult> {
    return waitFor(targets ?? this.#jobs.all, options);
  }

  /**
   * Results. Of a job: its values; of a future: its value; of several: theirs, one after the other in one array. Without
   * an argument: of all jobs of this executor whose results were not asked for so far, in the order of their start; of a
   * single `callAsync` the bare value.
   */
  getResult<R>(target: Job<R>): Promise<R[]>;
  getResult<R>(target: CallFuture<R> | Reduced<R>): Promise<R>;
  getResult<R>(targets: readonly (Job<R> | CallFuture<R>)[]): Promise<R[]>;
  getResult(): Promise<unknown>;
  async getResult(targets?: unknown): Promise<unknown> {
    if (targets !== undefined && !Array.isArray(targets)) return targets;
    if (targets !== undefined) return flatten(targets as readonly unknown[]);
    const unread = this.#jobs.takeUnread();
    if (unread.length === 1 && unread[0]?.kind === 'call') return unread[0].job.future(0);
    return flatten(unread.map(({ job }) => job));
  }

  /**
   * A job of another executor, by its id: also after the process that had started it was killed. Its results are the
   * same; retries, limits and chaining go on from here. Class instances come back as plain data.
   * @throws JobError `JOB_NOT_FOUND`, when the job is waited for.
   */
  attach<R = unknown>(jobId: string, options: AttachOptions = {}): Job<R> {
    this.#assertOpen();
    const ref = parseJobId(jobId);
    if (ref === undefined) {
      throw new InvalidArgumentError(
        'ARGUMENT_INVALID',
        `Not a job id [got=${describeValue(jobId)}]; it looks like k3v0q8w1xz2a-1.`,
      );
    }
    return this.#attach(ref, options) as Job<R>;
  }

  /** Cancels all jobs of this executor that have not ended; final. Resolves when the backend knows. */
  async cancel(reason?: unknown): Promise<void> {
    await Promise.all(this.#jobs.all.map((job) => job.cancel(reason)));
  }

  /**
   * Removes what jobs left in storage and with the backend: the given ones, or all of this executor's that have ended.
   * Results that were not fetched before are gone. The executor forgets those that have ended: they cost no memory any
   * more, and are in no later `wait`, `getResult` or `plot` without arguments.
   */
  async clean(jobs?: readonly Job<unknown>[]): Promise<CleanResult> {
    const { services } = await this.#compose();
    const chosen = jobs ?? this.#jobs.all.filter(isOver);
    const refs = chosen.map((job) => job[RESULT_SOURCE].ref);
    const { removed } = await cleanBackend(services.backend, refs);
    const objects = await cleanStorage(services.storage, refs);
    const status = await cleanMonitoring(services.subscriber, refs);
    await this.#jobs.forget(chosen);
    return { removed: { ...removed, objects, ...status.removed } };
  }

  /**
   * Draws the timeline of all calls by worker, and how many ran at a time, as SVG and PNG.
   * @returns the files' paths
   */
  async plot(options: PlotOptions = {}): Promise<PlotPaths> {
    return drawPlots(this.id, options.jobs ?? this.#jobs.all, options);
  }

  /** Cancels what still runs, stops the workers, and removes what the jobs left, detached ones excepted. Idempotent. */
  dispose(): Promise<void> {
    if (this.#disposed === undefined) {
      // Workers that are being stopped keep no process alive; it must not end before they are gone.
      this.#keepAlive.acquire();
      this.#disposed = this.#dispose().finally(() => this.#keepAlive.release());
    }
    return this.#disposed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #start(fn: AnyFunction, inputs: unknown, options: JobOptions, kind: StartedJob['kind']): Job<unknown> {
    this.#assertOpen();
    assertFunction(fn);
    checkJobOptions(options);
    const captured = this.#shipper.capture(fn, {
      ...('this' in options ? { this: options.this } : {}),
      ...(options.external === undefined ? {} : { external: options.external }),
      ...(options.classes === undefined ? {} : { classes: options.classes }),
      // Classes of instances among the inputs travel with the function.
      ...(Array.isArray(inputs) ? { inputs: inputs.filter((input) => !isPartition(input)) } : {}),
    });
    const { encodeInput } = captured;
    const given = kind === 'call' ? encodeItems(inputs as unknown[], encodeInput) : readInputs(inputs, encodeInput);
    const cwd = this.#cwd();
    return this.#register(kind, options.name ?? captured.name, options, async (ref, name, emitter, signal) => {
      const composing = this.#compose();
      const cancelled = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
      const planned =
        given.kind === 'data-set'
          ? composing.then((composition) =>
              dataSetInputs(given.dataSet, { composition, job: ref, cwd, signal: cancelled }),
            )
          : given;
      // The backend gets its first worker ready while the function is bundled.
      const started = composing.then((composition) => composition.startBackend());
      const shipping = this.#shipper.ship(captured);
      const [{ services, defaults }, shipped, jobInputs] = await Promise.all([composing, shipping, planned, started]);
      await assertExternals(shipped, services.backend, cancelled);
      const uploaded = this.#uploads.upload(services.storage, shipped);
      uploaded.catch(() => {});
      return startJob({
        job: ref,
        name,
        options: resolveJobOptions(options, defaults),
        services,
        emitter,
        signal: cancelled,
        decoder: shipped,
        shipped,
        inputs: jobInputs,
        encodeInput,
        uploaded,
      });
    });
  }

  #cwd(): string {
    return this.#options.cwd ?? process.cwd();
  }

  #attach(ref: JobRef, options: AttachOptions): Job<unknown> {
    const known = this.#jobs.get(ref);
    if (known !== undefined) return known;
    const job: Job<unknown> = new Job({
      ref,
      name: formatJobId(ref),
      logger: this.#lateLogger(),
      begin: async (emitter, signal) => {
        this.#jobs.listens(ref, emitter);
        const composition = await this.#compose();
        await composition.startBackend();
        const { services } = composition;
        const run = await attachJob({
          job: ref,
          services,
          emitter,
          signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
          ...(options.resume === undefined ? {} : { resume: options.resume }),
          resultSource: (source) => resultSourceOf(this.#attach(source, options), source),
        });
        this.#jobs.begun(run);
        return run;
      },
    });
    this.#jobs.add({ job, kind: 'map', detached: true });
    return job;
  }

  #register(
    kind: StartedJob['kind'],
    name: string,
    options: JobOptions,
    begin: (ref: JobRef, name: string, ...rest: Parameters<JobParts['begin']>) => Promise<JobRun>,
  ): Job<unknown> {
    const ref: JobRef = { executorId: this.id, jobNumber: this.#jobs.nextNumber() };
    this.#keepAlive.acquire();
    const job = new Job<unknown>({
      ref,
      name,
      logger: this.#lateLogger(),
      begin: async (emitter, signal) => {
        this.#jobs.listens(ref, emitter);
        try {
          const run = await begin(ref, name, emitter, signal);
          this.#jobs.begun(run);
          return run;
        } finally {
          this.#keepAlive.release();
        }
      },
    });
    this.#jobs.add({ job, kind, detached: options.detached ?? false });
    executorObserver()?.jobCreated(job);
    return job;
  }

  #compose(): Promise<Composition> {
    this.#assertOpen();
    if (this.#composition === undefined) {
      this.#takeOffLive = registerLiveExecutor(this);
      this.#composition = compose(this.#options, this.id, this.#listener(), this.#keepAlive);
      // Each job waits for it and tells; nobody waiting must not end the process.
      this.#composition.catch(() => {});
    }
    return this.#composition;
  }

  #listener(): BackendListener {
    return {
      callsLost: (event) => void this.#jobs.run(event.job)?.onLost(event),
      statusPublished: (job, events) => this.#jobs.run(job)?.onDelivered(events),
      diagnosis: (diagnosis) => {
        this.#jobs.tell(diagnosis);
        if (diagnosis.severity === 'info') return;
        this.#lateLogger()[diagnosis.severity === 'error' ? 'error' : 'warn'](diagnosis.message, {
          code: diagnosis.code,
          ...diagnosis.details,
        });
      },
      workerChanged: (change) => {
        for (const run of this.#jobs.runs) if (!run.settled.ended) run.onWorkerChange(change);
      },
    };
  }

  /** The composition's logger, once there is one; lines before that are kept for it. */
  #lateLogger(): Logger {
    return lateLogger(async () => (await this.#composition)?.services.logger);
  }

  #assertOpen(): void {
    if (this.#disposed === undefined) return;
    throw new IllegalStateError('ILLEGAL_STATE', `Executor ${this.id} is disposed; make a new one.`);
  }

  async #dispose(): Promise<void> {
    this.#takeOffLive();
    const composition = await this.#composition?.catch(() => undefined);
    if (composition === undefined) return;
    const { own, runs } = this.#jobs;
    const { services, dataStorages, stops } = composition;
    const cleans = this.#options.cleanOnDispose !== false;
    const refs = cleans ? own.map((job) => job[RESULT_SOURCE].ref) : [];
    const running = own.filter((job) => !isOver(job));
    await disposeAll([
      () => Promise.all(running.map((job) => job.cancel(new Error('The executor was disposed.')))),
      ...runs.map((run) => () => run.close()),
      () => cleanBackend(services.backend, refs),
      () => stops.backend(),
      // Not before the workers are gone: one that still ran would write its last status behind the broom.
      () => cleanStorage(services.storage, refs),
      () => cleanMonitoring(services.subscriber, refs),
      () => stops.subscriber(),
      () => dataStorages.close(),
      () => stops.storage(),
    ]);
  }
}

/** Values of jobs and futures, one after the other. */
async function flatten(targets: readonly unknown[]): Promise<unknown[]> {
  const values = await Promise.all(targets.map(async (target) => (target instanceof Job ? target : [await target])));
  return values.flat(1);
}

function assertFunction(fn: unknown): void {
  if (typeof fn === 'function') return;
  throw new InvalidArgumentError('ARGUMENT_INVALID', `What calls run must be a function [got=${describeValue(fn)}].`);
}

function resultSourceOf(job: Job<unknown>, { callId, callIds, last }: ResultSourceRef): ResultSource {
  if (last === true) return job.lastResultSource;
  if (callId !== undefined) return job.future(callId)[RESULT_SOURCE];
  return callIds === undefined ? job[RESULT_SOURCE] : job.resultSourceOf(callIds);
}
