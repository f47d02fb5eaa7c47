/** Sees to it that there is a worker while calls wait, and knows when there cannot be one. */
import type { BackendDeps, LossReason, RuntimeInfo, StopOptions } from '@splitrock/core/plugin';
import type { StreamPool, StreamWorkers, WorkerMessage } from '@splitrock/worker/stream';
import type { ReferenceBackendOptions } from './reference-backend-options.ts';
import { ReferenceWorker } from './reference-worker.ts';

/** After so many workers in a row that could not start, nobody is made to wait any longer. */
const MAX_FAILED_STARTS = 3;

// #region workers
export class ReferenceWorkers implements StreamWorkers {
  readonly #slots: number;
  readonly #deps: BackendDeps;
  readonly #pool: StreamPool;
  #worker: ReferenceWorker | undefined;
  /** Whether the worker has offered room for calls. */
  #isReady = false;
  #failedStarts = 0;
  #isStopped = false;

  constructor({ workerProcesses }: ReferenceBackendOptions, deps: BackendDeps, pool: StreamPool) {
    this.#slots = workerProcesses;
    this.#deps = deps;
    this.#pool = pool;
  }

  capacity(): { readonly current: number; readonly max: number } {
    return { current: this.#isReady ? this.#slots : 0, max: this.#slots };
  }

  async runtime(): Promise<RuntimeInfo> {
    return { nodeVersion: process.versions.node };
  }

  want(): void {
    if (this.#worker !== undefined || this.#isStopped || !this.#pool.hasWork) return;
    const worker = new ReferenceWorker(this.#deps, this.#slots, (message) => this.#receive(worker, message));
    this.#worker = worker;
    void worker.ended.then((reason) => this.#ended(worker, reason));
  }

  async stop({ graceMs = 0 }: StopOptions): Promise<void> {
    this.#isStopped = true;
    // One that is not ready runs nothing yet.
    if (this.#isReady) this.#worker?.shutDown(graceMs);
    else this.#worker?.kill();
    await this.#worker?.ended;
  }

  #receive(worker: ReferenceWorker, message: WorkerMessage): void {
    if (!this.#isReady && message.type === 'capacity' && message.calls > 0) {
      this.#isReady = true;
      this.#pool.connect(worker.workerId, worker, this.#slots);
    }
    if (this.#isReady) this.#pool.receive(worker.workerId, message);
  }

  #ended({ workerId }: ReferenceWorker, reason: LossReason): void {
    const wasReady = this.#isReady;
    this.#worker = undefined;
    this.#isReady = false;
    this.#failedStarts = wasReady ? 0 : this.#failedStarts + 1;
    if (wasReady) this.#pool.lose(workerId, reason);
    if (this.#failedStarts >= MAX_FAILED_STARTS) this.#giveUp(reason);
    this.want();
  }

  /** No silent hang: whoever waits is told that no worker starts. */
  #giveUp({ message: why }: LossReason): void {
    this.#failedStarts = 0;
    const message = `No worker could be started: ${why}.`;
    this.#pool.diagnose({ severity: 'error', code: 'WORKER_START_FAILED', message });
    this.#pool.failWaiting({ kind: 'start-failed', message });
  }
}
// #endregion
