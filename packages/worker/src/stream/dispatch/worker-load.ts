/** A connected worker as the dispatcher sees it: how much it will hold, what it holds, and which jobs it knows. */
import type { HeldLease } from './held-lease.ts';
import type { JobQueue } from './job-queue.ts';

export class WorkerLoad {
  readonly workerId: string;
  /** Calls that it runs at once, if that is known. */
  readonly slots: number;
  /** How many calls it is willing to hold: those that run and some in advance. */
  capacity = 0;
  /** Calls that it has not answered for. */
  heldCalls = 0;
  /** What it holds, in the order of delivery. */
  readonly held = new Map<number, HeldLease>();
  /** Jobs whose descriptor it has. */
  readonly described = new Set<JobQueue>();

  constructor(workerId: string, slots: number | undefined) {
    this.workerId = workerId;
    this.slots = slots ?? Infinity;
  }

  /** How many more calls it may be given: to run now, or also in advance. */
  room(inAdvance: boolean): number {
    return (inAdvance ? this.capacity : Math.min(this.capacity, this.slots)) - this.heldCalls;
  }
}

/** Of those with room, the one that is least busy for its size; `undefined` when none has any. */
export function leastBusy(workers: Iterable<WorkerLoad>, inAdvance: boolean): WorkerLoad | undefined {
  let best: WorkerLoad | undefined;
  for (const worker of workers) {
    if (worker.room(inAdvance) <= 0) continue;
    if (best === undefined || worker.heldCalls * best.capacity < best.heldCalls * worker.capacity) best = worker;
  }
  return best;
}
