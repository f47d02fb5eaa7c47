/**
 * Client half: a worker on each host, kept warm between jobs.
 *
 * A thin shell: the `StreamDispatch` hands calls to the workers, a `HostKeeper` for each host sees to it that it has one.
 */
import {
  BackendError,
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
} from '@splitrock/core/plugin';
import { StreamDispatch } from '@splitrock/worker/stream';
import type { HostFailure } from './host/host-failure.ts';
import { HostKeeper } from './host/host-keeper.ts';
import { HostSession, type HostSessionEvents } from './host/host-session.ts';
import type { Hello } from './host/launcher.ts';
import { HostProblems } from './host/host-problems.ts';
import { hostsOf, type HostSettings, type SshBackendOptions } from './options.ts';
import type { WorkerArchive } from './runtime/worker-archive.ts';

export class SshBackend implements Backend {
  readonly name = 'ssh';
  /** Over the session; what a dying worker published last is looked for in monitoring. */
  readonly deliversStatus = true;
  readonly carriesDescriptor = true;
  readonly #options: SshBackendOptions;
  readonly #deps: BackendDeps;
  readonly #keepers: readonly HostKeeper[];
  readonly #dispatch: StreamDispatch;
  readonly #problems = new HostProblems();
  /** By address: the last hello of each host. */
  readonly #hellos = new Map<string, Hello>();
  #waitingForHello: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #archive: WorkerArchive | undefined;
  #listener: BackendListener | undefined;
  #sessions = 0;
  #stopped = false;

  constructor(options: SshBackendOptions, deps: BackendDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#dispatch = new StreamDispatch({
      callsLost: (event) => this.#listener?.callsLost(event),
      statusPublished: (job, events) => this.#listener?.statusPublished(job, events),
    });
    this.#keepers = hostsOf(options).map((host) => this.#keep(host));
    this.#dispatch.expectSlots(this.#callsOf(this.#keepers));
  }

  /** Begins to connect the hosts, in the background, while the first job's function is bundled. */
  async start(listener: BackendListener, options: OperationOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#stopped) throw this.#illegal('was stopped');
    if (this.#listener !== undefined) throw this.#illegal('is started already');
    this.#listener = listener;
    void this.#prepare(listener);
  }

  capacity(): { readonly current: number; readonly max: number } {
    if (this.#stopped) return { current: 0, max: 0 };
    return {
      current: this.#callsOf(this.#keepers.filter(({ isReady }) => isReady)),
      max: this.#callsOf(this.#keepers),
    };
  }

  /** Of the host whose Node is the oldest, among those that have answered; waits for the first that does. */
  async runtime(options: OperationOptions = {}): Promise<RuntimeInfo> {
    this.#check(options);
    if (this.#hellos.size === 0) await this.#firstHello(options.signal);
    const [nodeVersion] = [...this.#hellos.values()]
      .map(({ node }) => node)
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    return { nodeVersion: nodeVersion as string, packages: this.#archive?.packages ?? {} };
  }

  async submit(submission: CallSubmission, options: OperationOptions = {}): Promise<void> {
    this.#check(options);
    this.#dispatch.submit(submission);
    this.#wantWorkers();
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

  /** Nothing of a job is left with this backend: workers, and their files, end with the connection of their client. */
  async clean(
    _target: { readonly executorId?: string; readonly job?: JobRef },
    options: OperationOptions = {},
  ): Promise<CleanResult> {
    options.signal?.throwIfAborted();
    if (this.#stopped) throw this.#illegal('was stopped');
    return { removed: {} };
  }

  /** Drops calls that wait, gives running ones `graceMs`, and reports nothing more of either. */
  async stop(options: StopOptions = {}): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#dispatch.stop();
      this.#rejectWaiting(this.#illegal('was stopped'));
    }
    await Promise.all(this.#keepers.map((keeper) => keeper.stop(options)));
  }

  async #prepare(listener: BackendListener): Promise<void> {
    try {
      // Bundling is the client's business: workers never load what does it.
      const { workerArchive } = await import('./runtime/worker-archive.ts');
      this.#archive = await workerArchive(this.#deps.workerPlugins);
      this.#wantWorkers();
    } catch (error) {
      if (this.#stopped) return;
      const { message } = error as Error;
      listener.diagnosis({ severity: 'error', code: 'SSH_RUNTIME_NOT_BUNDLED', message });
      this.#noWorker({ kind: 'start-failed', message });
    }
  }

  #keep(host: HostSettings): HostKeeper {
    return new HostKeeper(
      {
        host,
        connect: (to, events) => this.#connect(to, events),
        hasWork: () => this.#dispatch.hasWork || this.#waitingForHello.length > 0,
        clock: this.#deps.clock,
      },
      {
        onHello: (hello) => this.#greeted(host, hello),
        onReady: (keeper, workerId) => this.#workerReady(keeper, workerId),
        onMessage: (workerId, message) => this.#dispatch.receive(workerId, message),
        onGone: (workerId, reason) => this.#workerGone(workerId, reason),
        onGaveUp: (keeper, failure, reason) => this.#gaveUp(keeper, failure, reason),
        onRecovered: (keeper) => this.#recovered(keeper),
      },
    );
  }

  #connect(host: HostSettings, events: HostSessionEvents): HostSession {
    const { tenant, executorId, logger, clock } = this.#deps;
    const { callsPerProcess, slotKind, workerLogLevel } = this.#options;
    const archive = this.#archive as WorkerArchive;
    this.#sessions += 1;
    const workerId = `ssh-${host.host.replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${executorId}-${this.#sessions}`;
    return new HostSession(
      {
        host,
        options: this.#options,
        workerId,
        archive,
        bootstrap: ({ cpus }) => ({
          version: 1,
          workerId,
          tenant,
          ...archive.plugins,
          slots: { workerProcesses: host.slots ?? cpus, callsPerProcess, kind: slotKind },
          logLevel: workerLogLevel,
        }),
        logger: logger.child({ workerId }),
        clock,
      },
      events,
    );
  }

  /** Has every host connected that is not; those that were given up only while there is no other. */
  #wantWorkers(): void {
    if (this.#stopped || this.#archive === undefined) return;
    const urgent = this.#keepers.every(({ isDown }) => isDown);
    for (const keeper of this.#keepers) keeper.want(urgent);
  }

  #greeted({ address }: HostSettings, hello: Hello): void {
    this.#hellos.set(address, hello);
    this.#dispatch.expectSlots(this.#callsOf(this.#keepers));
    for (const { resolve } of this.#waitingForHello.splice(0)) resolve();
  }

  async #firstHello(signal: AbortSignal | undefined): Promise<void> {
    const greeted = new Promise<void>((resolve, reject) => {
      this.#waitingForHello.push({ resolve, reject });
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    this.#wantWorkers();
    await greeted;
  }

  #workerReady(keeper: HostKeeper, workerId: string): void {
    this.#listener?.workerChanged({ workerId, change: 'started', slots: this.#callsOf([keeper]) });
    this.#dispatch.connect(workerId, keeper, this.#callsOf([keeper]));
  }

  #workerGone(workerId: string, reason: LossReason): void {
    const change = this.#stopped ? { change: 'stopped' as const } : { change: 'lost' as const, reason };
    this.#listener?.workerChanged({ workerId, ...change });
    this.#dispatch.lose(workerId, reason);
  }

  #gaveUp({ host }: HostKeeper, failure: HostFailure, reason: LossReason): void {
    this.#problems.set(host.address, failure);
    const none = this.#keepers.every(({ isDown }) => isDown);
    const { code, message } = failure;
    this.#listener?.diagnosis({ severity: none ? 'error' : 'warning', code, message, details: { host: host.address } });
    if (none) this.#noWorker({ ...reason, kind: 'start-failed', message: this.#problems.messages.join(' ') });
  }

  #recovered({ host }: HostKeeper): void {
    const code = this.#problems.clear(host.address);
    if (code === undefined) return;
    this.#listener?.diagnosis({ severity: 'info', code, message: `A worker runs on ${host.address} again.` });
  }

  /** Nobody is there who would run anything: those who wait are told. */
  #noWorker(reason: LossReason): void {
    this.#rejectWaiting(new BackendError('BACKEND_UNAVAILABLE', reason.message));
    this.#dispatch.failWaiting(reason);
  }

  #rejectWaiting(error: Error): void {
    for (const { reject } of this.#waitingForHello.splice(0)) reject(error);
  }

  #callsOf(keepers: readonly HostKeeper[]): number {
    return keepers.reduce((sum, { slots }) => sum + slots, 0) * this.#options.callsPerProcess;
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
      `The ssh backend ${why} [executorId=${executorId}]; it is started once and not used after its stop.`,
    );
  }
}
