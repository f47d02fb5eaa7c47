/**
 * The workers that take calls, as they and their pods tell; each change is told on once, and so is what does not fit of their
 * runtime.
 */
import { runtimeMismatch, type BackendListener, type RuntimeInfo, type WorkerChange } from '@splitrock/core/plugin';

export interface RosterWorker {
  readonly workerId: string;
  /** Calls that it runs at once. */
  readonly slots: number;
  readonly runtime: RuntimeInfo;
}

export class WorkerRoster {
  readonly #workers = new Map<string, RosterWorker>();
  readonly #listener: Pick<BackendListener, 'workerChanged' | 'diagnosis'>;
  readonly #toldMismatches = new Set<string>();
  readonly #waiting: ((runtime: RuntimeInfo) => void)[] = [];

  constructor(listener: Pick<BackendListener, 'workerChanged' | 'diagnosis'>) {
    this.#listener = listener;
  }

  get slots(): number {
    let slots = 0;
    for (const worker of this.#workers.values()) slots += worker.slots;
    return slots;
  }

  get ids(): readonly string[] {
    return [...this.#workers.keys()];
  }

  /** Resolves to what a worker's runtime offers, once there is a worker. */
  runtime(): Promise<RuntimeInfo> {
    const [worker] = this.#workers.values();
    if (worker !== undefined) return Promise.resolve(worker.runtime);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  started(worker: RosterWorker): void {
    const known = this.#workers.has(worker.workerId);
    this.#workers.set(worker.workerId, worker);
    for (const resolve of this.#waiting.splice(0)) resolve(worker.runtime);
    if (known) return;
    this.#compare(worker.runtime);
    this.#listener.workerChanged({ workerId: worker.workerId, change: 'started', slots: worker.slots });
  }

  /** Also told twice, by the worker and by the pool: the first counts. */
  gone(change: WorkerChange): void {
    if (this.#workers.delete(change.workerId)) this.#listener.workerChanged(change);
  }

  /** Workers of one image are alike: it is told once. */
  #compare(runtime: RuntimeInfo): void {
    const mismatch = runtimeMismatch(runtime);
    if (mismatch === undefined || this.#toldMismatches.has(mismatch.message)) return;
    this.#toldMismatches.add(mismatch.message);
    this.#listener.diagnosis(mismatch);
  }

  /** The client looks no longer. */
  clear(): void {
    for (const workerId of this.ids) this.gone({ workerId, change: 'stopped' });
  }
}
