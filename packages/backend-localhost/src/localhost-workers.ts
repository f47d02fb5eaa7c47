/**
 * One worker process for one executor, kept warm between jobs.
 *
 * A thin shell: the `StreamBackend` around it hands calls to the worker, the {@link WorkerKeeper} sees to it that there is
 * one. Everything is performed in one turn of the event loop; nothing polls or ticks while there is no work.
 */
import type { BackendDeps, LossReason, RuntimeInfo, StopOptions, WorkerBootstrap } from '@splitrock/core/plugin';
import type { BackendMessage, StreamPool, StreamWorkers } from '@splitrock/worker/stream';
import type { LocalhostBackendOptions } from './localhost-backend-options.ts';
import { inheritedNodeFlags } from './process/node-flags.ts';
import { WorkerKeeper } from './process/worker-keeper.ts';
import { WorkerProcess, type WorkerProcessEvents } from './process/worker-process.ts';

const START_FAILED = 'WORKER_START_FAILED';

export class LocalhostWorkers implements StreamWorkers {
  readonly #options: LocalhostBackendOptions;
  readonly #deps: BackendDeps;
  readonly #pool: StreamPool;
  readonly #keeper: WorkerKeeper;

  constructor(options: LocalhostBackendOptions, deps: BackendDeps, pool: StreamPool) {
    this.#options = options;
    this.#deps = deps;
    this.#pool = pool;
    this.#keeper = new WorkerKeeper(
      {
        spawn: (events) => this.#spawn(events),
        hasWork: () => pool.hasWork,
        clock: deps.clock,
      },
      {
        onReady: (workerId) => pool.connect(workerId, { send: (message) => this.#send(message) }, this.#slots),
        onMessage: (workerId, message) => pool.receive(workerId, message),
        // One that never got ready was given nothing.
        onGone: ({ reason, workerId }) => workerId !== undefined && pool.lose(workerId, reason),
        onGaveUp: (failure) => this.#gaveUp(failure),
        onRecovered: () => this.#recovered(),
      },
    );
  }

  capacity(): { readonly current: number; readonly max: number } {
    return { current: this.#keeper.isReady ? this.#slots : 0, max: this.#slots };
  }

  async runtime(): Promise<RuntimeInfo> {
    return { nodeVersion: process.versions.node };
  }

  want(): void {
    this.#keeper.want();
  }

  /** An aborted `signal` kills at once; the stop still completes. */
  async stop(options: StopOptions): Promise<void> {
    await this.#keeper.stop(options);
  }

  get #slots(): number {
    return this.#options.workerProcesses * this.#options.callsPerProcess;
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

  #gaveUp({ reason, failures, stderr }: { reason: LossReason; failures: number; stderr: string }): void {
    const message = `No worker could be started, tried ${failures} times: ${reason.message}; what it wrote is in the details.`;
    const { kind: _kind, message: _message, ...facts } = reason;
    this.#pool.diagnose({ severity: 'error', code: START_FAILED, message, details: { ...facts, stderr } });
    this.#pool.failWaiting({ ...reason, kind: 'start-failed', message });
  }

  #recovered(): void {
    this.#pool.diagnose({ severity: 'info', code: START_FAILED, message: 'A worker has been started again.' });
  }
}
