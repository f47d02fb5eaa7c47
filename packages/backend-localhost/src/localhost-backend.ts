/**
 * Client half: one worker process for one executor, kept warm between jobs.
 *
 * A thin shell: the {@link StreamDispatch} hands calls to the worker, the {@link WorkerKeeper} sees to it that there is
 * one. Everything is performed in one turn of the event loop; nothing polls or ticks while there is no work.
 */
import {
  IllegalStateError,
  type Backend,
  type BackendDeps,
  type BackendListener,
  type CallRange,
  type CallSubmission,
  type CleanResult,
  type JobRef,
  type LossReason,
  type OperationOptions,
  type RuntimeInfo,
  type StopOptions,
  type WorkerBootstrap,
} from '@splitrock/core/plugin';
import { StreamDispatch, type BackendMessage } from '@splitrock/worker/stream';
import type { LocalhostBackendOptions } from './localhost-backend-options.ts';
import { inheritedNodeFlags } from './process/node-flags.ts';
import { WorkerKeeper } from './process/worker-keeper.ts';
import { WorkerProcess, type WorkerProcessEvents } from './process/worker-process.ts';

const START_FAILED = 'WORKER_START_FAILED';

export class LocalhostBackend implements Backend {
  readonly name = 'localhost';
  /** Over the channel to the worker; what a dying worker published last is looked for in monitoring. */
  readonly deliversStatus = true;
  readonly sharesFiles = true;
  readonly carriesDescriptor = true;
  readonly #options: LocalhostBackendOptions;
  readonly #deps: BackendDeps;
  readonly #dispatch: StreamDispatch;
  readonly #keeper: WorkerKeeper;
  #listener: BackendListener | undefined;
  #stopped = false;

  constructor(options: LocalhostBackendOptions, deps: BackendDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#dispatch = new StreamDispatch({
      callsLost: (event) => this.#listener?.callsLost(event),
      statusPublished: (job, events) => this.#listener?.statusPublished(job, events),
    });
    this.#keeper = new WorkerKeeper(
      {
        spawn: (events) => this.#spawn(events),
        hasWork: () => this.#dispatch.hasWork,
        clock: deps.clock,
      },
      {
        onReady: (workerId) => this.#workerReady(workerId),
        onMessage: (workerId, message) => this.#dispatch.receive(workerId, message),
        onGone: ({ reason, workerId }) => this.#workerGone(reason, workerId),
        onGaveUp: (failure) => this.#gaveUp(failure),
        onRecovered: () => this.#recovered(),
      },
    );
  }

  /**
   * Begins to start the worker, in the background, so that it gets ready while the first job's function is bundled.
   * An executor therefore calls this with its first job, not before.
   */
  async start(listener: BackendListener, options: OperationOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#stopped) throw this.#illegal('was stopped');
    if (this.#listener !== undefined) throw this.#illegal('is started already');
    this.#listener = listener;
    this.#keeper.want();
  }

  capacity(): { readonly current: number; readonly max: number } {
    const max = this.#stopped ? 0 : this.#slots;
    return { current: this.#keeper.isReady ? max : 0, max };
  }

  async runtime(options: OperationOptions = {}): Promise<RuntimeInfo> {
    this.#check(options);
    return { nodeVersion: process.versions.node };
  }

  async submit(submission: CallSubmission, options: OperationOptions = {}): Promise<void> {
    this.#check(options);
    this.#dispatch.submit(submission);
    this.#keeper.want();
  }

  async cancel(
    job: JobRef,
    options: OperationOptions & { readonly calls?: readonly CallRange[]; readonly attempt?: number } = {},
  ): Promise<void> {
    this.#check(options);
    const { calls, attempt } = options;
    this.#dispatch.cancel({
      job,
      ...(calls === undefined ? {} : { calls }),
      ...(attempt === undefined ? {} : { attempt }),
    });
  }

  async endJob(job: JobRef, options: OperationOptions = {}): Promise<void> {
    this.#check(options);
    this.#dispatch.endJob(job);
  }

  /** Nothing of a job is left with this backend: workers die with the client that started them. */
  async clean(
    _target: { readonly executorId?: string; readonly job?: JobRef },
    options: OperationOptions = {},
  ): Promise<CleanResult> {
    options.signal?.throwIfAborted();
    if (this.#stopped) throw this.#illegal('was stopped');
    return { removed: {} };
  }

  /**
   * Drops calls that wait, gives running ones `graceMs`, and reports nothing more of either. Called again, it can only
   * shorten the grace. An aborted `signal` kills at once; the stop still completes.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#dispatch.stop();
    }
    await this.#keeper.stop(options);
  }

  get #slots(): number {
    return this.#options.workerProcesses * this.#options.callsPerProcess;
  }

  #check(options: OperationOptions): void {
    options.signal?.throwIfAborted();
    if (this.#stopped) throw this.#illegal('was stopped');
    if (this.#listener === undefined) throw this.#illegal('is not started');
  }

  #illegal(why: string): IllegalStateError {
    const { executorId } = this.#deps;
    return new IllegalStateError(
      'ILLEGAL_STATE',
      `The localhost backend ${why} [executorId=${executorId}]; it is started once and not used after its stop.`,
    );
  }

  #spawn(events: WorkerProcessEvents): WorkerProcess {
    const { startTimeoutMs, nodeOptions } = this.#options;
    const { logger, clock } = this.#deps;
    return new WorkerProcess(
      {
        nodeFlags: [...inheritedNodeFlags(), ...nodeOptions],
        startTimeoutMs,
        bootstrap: (workerId) => this.#bootstrap(workerId),
        logger,
        clock,
      },
      events,
    );
  }

  #bootstrap(workerId: string): WorkerBootstrap {
    const { workerProcesses, callsPerProcess, slotKind, workerLogLevel } = this.#options;
    const { tenant, workerPlugins } = this.#deps;
    const slots = { workerProcesses, callsPerProcess, kind: slotKind };
    return { version: 1, workerId, tenant, ...workerPlugins, slots, logLevel: workerLogLevel };
  }

  #send(message: BackendMessage): void {
    if (message.type === 'end-job') this.#keeper.sendUnhurried(message);
    else this.#keeper.send(message);
  }

  #workerReady(workerId: string): void {
    this.#listener?.workerChanged({ workerId, change: 'started', slots: this.#slots });
    this.#dispatch.connect(workerId, { send: (message) => this.#send(message) });
  }

  #workerGone(reason: LossReason, workerId: string | undefined): void {
    // One that never got ready was given nothing.
    if (workerId === undefined) return;
    const change = this.#stopped ? { change: 'stopped' as const } : { change: 'lost' as const, reason };
    this.#listener?.workerChanged({ workerId, ...change });
    this.#dispatch.lose(workerId, reason);
  }

  #gaveUp({ reason, failures, stderr }: { reason: LossReason; failures: number; stderr: string }): void {
    const message = `No worker could be started, tried ${failures} times: ${reason.message}; what it wrote is in the details.`;
    const { kind: _kind, message: _message, ...facts } = reason;
    this.#listener?.diagnosis({ severity: 'error', code: START_FAILED, message, details: { ...facts, stderr } });
    this.#dispatch.failWaiting({ ...reason, kind: 'start-failed', message });
  }

  #recovered(): void {
    this.#listener?.diagnosis({ severity: 'info', code: START_FAILED, message: 'A worker has been started again.' });
  }
}
