/** The client half of a backend over streams, whole but for its workers. */
import {
  IllegalStateError,
  type Backend,
  type BackendDeps,
  type BackendDiagnosis,
  type BackendListener,
  type CallRange,
  type CallSubmission,
  type CleanResult,
  type JobRef,
  type LossReason,
  type OperationOptions,
  type RuntimeInfo,
  type StopOptions,
} from '@splitrock/core/plugin';
import type { WorkerMessage } from './protocol/messages.ts';
import { StreamDispatch, type WorkerPort } from './stream-dispatch.ts';

/** What such a backend writes itself: how its workers are started and ended. Whatever becomes of them it tells its {@link StreamPool}. */
export interface StreamWorkers {
  /** Calls that its workers can run at once, now and at most. Returns at once; not asked after `stop`. */
  capacity(): { readonly current: number; readonly max: number };
  /** What the workers' runtime offers. The signal also aborts when the backend is stopped. */
  runtime(options: { readonly signal: AbortSignal }): Promise<RuntimeInfo>;
  /**
   * Sees to it, in the background, that workers are there or come. Called when the backend is started, so that they may get
   * ready while the first job is prepared, and with every submission. Nothing is wanted after `stop`.
   */
  want(): void;
  /** Ends all workers and resolves when they are gone. Also without a start, and again with another grace: the shortest counts. */
  stop(options: StopOptions): Promise<void>;
}

/** The backend as its workers' side sees it. What follows from each is done before it returns. */
export interface StreamPool {
  /** Whether calls wait for a worker or are held by one. */
  readonly hasWork: boolean;
  /** As {@link StreamDispatch.expectSlots}: to be said by backends with more than one worker. */
  expectSlots(slots: number): void;
  /** A worker is there, under an id of its own; it gets calls once it has said, in a message, how many it will hold. */
  connect(workerId: string, port: WorkerPort, slots: number): void;
  /** A connected worker said something. */
  receive(workerId: string, message: WorkerMessage): void;
  /** A connected worker is gone, after its last message. What it had begun is lost for this reason, the rest waits again. */
  lose(workerId: string, reason: LossReason): void;
  /** What a waiting user should know: why no worker comes. */
  diagnose(diagnosis: BackendDiagnosis): void;
  /** No worker can be started: the calls that wait are lost for this reason. The next submission wants workers again. */
  failWaiting(reason: LossReason): void;
}

export interface StreamBackendOptions {
  /** The plugin's. */
  readonly name: string;
  /** As {@link Backend.sharesFiles}. @defaultValue false */
  readonly sharesFiles?: boolean;
}

/**
 * Keeps the contract around workers that each hold a byte stream to the client, and end with it: what may be called when,
 * who gets which calls, what is lost with a worker. Status comes over the streams too.
 *
 * @example
 * ```ts
 * createBackend: (options, deps) => new StreamBackend({ name: 'pipes' }, deps, (pool) => new PipeWorkers(options, deps, pool)),
 * createCallSource: () => new StreamCallSource(() => new Socket({ fd: 4 })),
 * ```
 */
export class StreamBackend implements Backend {
  readonly name: string;
  /** What a dying worker published last is looked for in monitoring. */
  readonly deliversStatus = true;
  readonly carriesDescriptor = true;
  readonly sharesFiles: boolean;
  readonly #executorId: string;
  readonly #workers: StreamWorkers;
  readonly #dispatch: StreamDispatch;
  /** Aborted by the stop. */
  readonly #ending = new AbortController();
  #listener: BackendListener | undefined;
  #expectsSlots = false;

  /** @param makeWorkers - makes what starts the workers; it starts none before it is told that they are wanted. */
  constructor(
    { name, sharesFiles = false }: StreamBackendOptions,
    { executorId }: Pick<BackendDeps, 'executorId'>,
    makeWorkers: (pool: StreamPool) => StreamWorkers,
  ) {
    this.name = name;
    this.sharesFiles = sharesFiles;
    this.#executorId = executorId;
    this.#dispatch = new StreamDispatch({
      callsLost: (event) => this.#listener?.callsLost(event),
      statusPublished: (job, events) => this.#listener?.statusPublished(job, events),
    });
    this.#workers = makeWorkers(this.#pool());
  }

  async start(listener: BackendListener, { signal }: OperationOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#checkNotStopped();
    if (this.#listener !== undefined) throw this.#illegal('is started already');
    this.#listener = listener;
    this.#workers.want();
  }

  capacity(): { readonly current: number; readonly max: number } {
    return this.#isStopped ? { current: 0, max: 0 } : this.#workers.capacity();
  }

  async runtime({ signal }: OperationOptions = {}): Promise<RuntimeInfo> {
    this.#check(signal);
    const ending = this.#ending.signal;
    return this.#workers.runtime({ signal: signal === undefined ? ending : AbortSignal.any([signal, ending]) });
  }

  async submit(submission: CallSubmission, { signal }: OperationOptions = {}): Promise<void> {
    this.#check(signal);
    this.#dispatch.submit(submission);
    this.#workers.want();
  }

  async cancel(
    job: JobRef,
    options: OperationOptions & { readonly calls?: readonly CallRange[]; readonly attempt?: number } = {},
  ): Promise<void> {
    const { signal, calls, attempt } = options;
    this.#check(signal);
    this.#dispatch.cancel({
      job,
      ...(calls === undefined ? {} : { calls }),
      ...(attempt === undefined ? {} : { attempt }),
    });
  }

  async endJob(job: JobRef, { signal }: OperationOptions = {}): Promise<void> {
    this.#check(signal);
    this.#dispatch.endJob(job);
  }

  /** Nothing of a job is left with this backend: workers end with the stream to their client. */
  async clean(
    _target: { readonly executorId?: string; readonly job?: JobRef },
    { signal }: OperationOptions = {},
  ): Promise<CleanResult> {
    signal?.throwIfAborted();
    this.#checkNotStopped();
    return { removed: {} };
  }

  /**
   * Drops calls that wait, gives running ones `graceMs`, and reports nothing more of either. Called again, it can only
   * shorten the grace.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    if (!this.#isStopped) {
      this.#ending.abort(this.#illegal('was stopped'));
      this.#dispatch.stop();
    }
    await this.#workers.stop(options);
  }

  get #isStopped(): boolean {
    return this.#ending.signal.aborted;
  }

  #pool(): StreamPool {
    const dispatch = this.#dispatch;
    return {
      get hasWork() {
        return dispatch.hasWork;
      },
      expectSlots: (slots) => {
        this.#expectsSlots = true;
        dispatch.expectSlots(slots);
      },
      connect: (workerId, port, slots) => {
        this.#listener?.workerChanged({ workerId, change: 'started', slots });
        // A lone worker is given calls in advance as soon as it has room for them.
        dispatch.connect(workerId, port, this.#expectsSlots ? slots : undefined);
      },
      receive: (workerId, message) => dispatch.receive(workerId, message),
      lose: (workerId, reason) => {
        const change = this.#isStopped ? { change: 'stopped' as const } : { change: 'lost' as const, reason };
        this.#listener?.workerChanged({ workerId, ...change });
        dispatch.lose(workerId, reason);
      },
      diagnose: (diagnosis) => this.#listener?.diagnosis(diagnosis),
      failWaiting: (reason) => dispatch.failWaiting(reason),
    };
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.#checkNotStopped();
    if (this.#listener === undefined) throw this.#illegal('is not started');
  }

  #checkNotStopped(): void {
    if (this.#isStopped) throw this.#illegal('was stopped');
  }

  #illegal(why: string): IllegalStateError {
    return new IllegalStateError(
      'ILLEGAL_STATE',
      `The ${this.name} backend ${why} [executorId=${this.#executorId}]; it is started once and not used after its stop.`,
    );
  }
}
