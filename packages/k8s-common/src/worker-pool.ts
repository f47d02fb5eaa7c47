/**
 * What a work-queue backend wants of the pool that runs its workers, whatever runs them: pods, or local processes in
 * tests.
 *
 * The backend says how much work waits; the pool sees to it that there are workers, and says why there are none. Workers
 * take their calls from the queue themselves: the pool never knows which call runs where.
 */
import type {
  BackendDiagnosis,
  CleanResult,
  JobRef,
  OperationOptions,
  StopOptions,
  WorkerChange,
} from '@splitrock/core/plugin';

/** How much work there is for the pool, as its client sees it. Told again whenever it changes much. */
export interface PoolDemand {
  /**
   * Slots wanted in all: those of the workers that are busy, and one for each call that waits. 0: nothing waits. A pool
   * grows towards it up to its maximum; it never takes workers away for it, for idle workers leave by themselves.
   */
  readonly slots: number;
  /** The jobs whose calls wait, for diagnoses and labels. */
  readonly jobs: readonly JobRef[];
}

/** What a pool tells the backend that owns it. Methods return at once and never throw. */
export interface WorkerPoolListener {
  /** Why no worker runs, or that this is over (`info` with the code of what is over). */
  diagnosis(event: BackendDiagnosis): void;
  /**
   * A worker stopped or was lost. `started` is told by the worker itself through the broker, once it takes calls; a pool
   * need not tell it.
   */
  workerChanged(event: WorkerChange): void;
}

export interface WorkerPool {
  /** Begins to watch the pool's workers; starts none unless a minimum is configured. Called once, before anything else. */
  start(listener: WorkerPoolListener, options?: OperationOptions): Promise<void>;
  /** Tells the demand. Returns at once; what goes wrong is told as a diagnosis and tried again while the demand stands. */
  ensure(demand: PoolDemand): void;
  /** How many slots the pool can have at most, however many it has now. */
  readonly maxSlots: number;
  /**
   * Lets go of the pool. Workers that others may use stay; those that only this client uses end within the grace. No
   * timer or connection stays. Idempotent.
   */
  stop(options?: StopOptions): Promise<void>;
  /** Removes what is left of the pool that nobody uses (pods, secrets). Idempotent; may be asked without a start. */
  clean(options?: OperationOptions): Promise<CleanResult>;
}
