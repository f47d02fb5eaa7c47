/**
 * A worker on each host, kept warm between jobs.
 *
 * A thin shell: the `StreamBackend` around it hands calls to the workers, a `HostKeeper` for each host sees to it that it
 * has one.
 */
import {
  BackendError,
  type BackendDeps,
  type LossReason,
  type RuntimeInfo,
  type StopOptions,
} from '@splitrock/core/plugin';
import type { StreamPool, StreamWorkers } from '@splitrock/worker/stream';
import type { HostFailure } from './host/host-failure.ts';
import { HostKeeper } from './host/host-keeper.ts';
import { HostSession, type HostSessionEvents } from './host/host-session.ts';
import type { Hello } from './host/launcher.ts';
import { HostProblems } from './host/host-problems.ts';
import { hostsOf, type HostSettings, type SshBackendOptions } from './options.ts';
import type { WorkerArchive } from './runtime/worker-archive.ts';

export class SshWorkers implements StreamWorkers {
  readonly #options: SshBackendOptions;
  readonly #deps: BackendDeps;
  readonly #pool: StreamPool;
  readonly #keepers: readonly HostKeeper[];
  readonly #problems = new HostProblems();
  /** By address: the last hello of each host. */
  readonly #hellos = new Map<string, Hello>();
  #waitingForHello: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #preparing = false;
  #archive: WorkerArchive | undefined;
  #sessions = 0;
  #stopped = false;

  constructor(options: SshBackendOptions, deps: BackendDeps, pool: StreamPool) {
    this.#options = options;
    this.#deps = deps;
    this.#pool = pool;
    this.#keepers = hostsOf(options).map((host) => this.#keep(host));
    pool.expectSlots(this.#callsOf(this.#keepers));
  }

  capacity(): { readonly current: number; readonly max: number } {
    return {
      current: this.#callsOf(this.#keepers.filter(({ isReady }) => isReady)),
      max: this.#callsOf(this.#keepers),
    };
  }

  /** Of the host whose Node is the oldest, among those that have answered; waits for the first that does. */
  async runtime({ signal }: { readonly signal: AbortSignal }): Promise<RuntimeInfo> {
    if (this.#hellos.size === 0) await this.#firstHello(signal);
    const [nodeVersion] = [...this.#hellos.values()]
      .map(({ node }) => node)
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    return { nodeVersion: nodeVersion as string, packages: this.#archive?.packages ?? {} };
  }

  /** Has every host connected that is not; those that were given up only while there is no other. */
  want(): void {
    if (this.#archive === undefined) {
      if (!this.#preparing) void this.#prepare();
      return;
    }
    const urgent = this.#keepers.every(({ isDown }) => isDown);
    for (const keeper of this.#keepers) keeper.want(urgent);
  }

  async stop(options: StopOptions): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#keepers.map((keeper) => keeper.stop(options)));
  }

  /** Bundling is the client's business: workers never load what does it. */
  async #prepare(): Promise<void> {
    this.#preparing = true;
    try {
      const { workerArchive } = await import('./runtime/worker-archive.ts');
      this.#archive = await workerArchive(this.#deps.workerPlugins);
      if (!this.#stopped) this.want();
    } catch (error) {
      if (this.#stopped) return;
      const { message } = error as Error;
      this.#pool.diagnose({ severity: 'error', code: 'SSH_RUNTIME_NOT_BUNDLED', message });
      this.#noWorker({ kind: 'start-failed', message });
    } finally {
      this.#preparing = false;
    }
  }

  #keep(host: HostSettings): HostKeeper {
    return new HostKeeper(
      {
        host,
        connect: (to, events) => this.#connect(to, events),
        hasWork: () => this.#pool.hasWork || this.#waitingForHello.length > 0,
        clock: this.#deps.clock,
      },
      {
        onHello: (hello) => this.#greeted(host, hello),
        onReady: (keeper, workerId) => this.#pool.connect(workerId, keeper, this.#callsOf([keeper])),
        onMessage: (workerId, message) => this.#pool.receive(workerId, message),
        onGone: (workerId, reason) => this.#pool.lose(workerId, reason),
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

  #greeted({ address }: HostSettings, hello: Hello): void {
    this.#hellos.set(address, hello);
    this.#pool.expectSlots(this.#callsOf(this.#keepers));
    for (const { resolve } of this.#waitingForHello.splice(0)) resolve();
  }

  async #firstHello(signal: AbortSignal): Promise<void> {
    let abort = (): void => undefined;
    const greeted = new Promise<void>((resolve, reject) => {
      this.#waitingForHello.push({ resolve, reject });
      abort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
    });
    this.want();
    try {
      await greeted;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #gaveUp({ host }: HostKeeper, failure: HostFailure, reason: LossReason): void {
    this.#problems.set(host.address, failure);
    const none = this.#keepers.every(({ isDown }) => isDown);
    const { code, message } = failure;
    this.#pool.diagnose({ severity: none ? 'error' : 'warning', code, message, details: { host: host.address } });
    if (none) this.#noWorker({ ...reason, kind: 'start-failed', message: this.#problems.messages.join(' ') });
  }

  #recovered({ host }: HostKeeper): void {
    const code = this.#problems.clear(host.address);
    if (code === undefined) return;
    this.#pool.diagnose({ severity: 'info', code, message: `A worker runs on ${host.address} again.` });
  }

  /** Nobody is there who would run anything: those who wait are told. */
  #noWorker(reason: LossReason): void {
    const error = new BackendError('BACKEND_UNAVAILABLE', reason.message);
    for (const { reject } of this.#waitingForHello.splice(0)) reject(error);
    this.#pool.failWaiting(reason);
  }

  #callsOf(keepers: readonly HostKeeper[]): number {
    return keepers.reduce((sum, { slots }) => sum + slots, 0) * this.#options.callsPerProcess;
  }
}
