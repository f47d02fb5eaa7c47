/** What happens to a job's calls on the master, and what the master is to do about it. */
import type { CallRange, LossReason } from '@splitrock/core/plugin';

/** Calls of one attempt. */
export interface AttemptCalls {
  readonly attempt: number;
  readonly calls: CallRange;
}

/** Calls that were submitted together; their inputs are known by the id. */
export interface Submission extends AttemptCalls {
  readonly id: number;
  /** Workers that should not get these calls while others are there. */
  readonly avoidWorkers: readonly string[];
}

export interface CancelTarget {
  /** Absent: all. */
  readonly calls?: readonly CallRange[] | undefined;
  readonly attempt?: number | undefined;
}

/** What a worker says of calls that it holds. */
export interface WorkerAnswer extends AttemptCalls {
  /** `back`: not finished there; without a reason it never ran. */
  readonly type: 'started' | 'done' | 'back';
  readonly reason?: LossReason | undefined;
}

/** Calls that a worker holds, as it says itself. */
export interface HeldBefore extends AttemptCalls {
  readonly started: boolean;
}

export type LeaseEvent =
  | { readonly type: 'submitted'; readonly submission: Submission }
  | { readonly type: 'cancelled'; readonly target: CancelTarget; readonly graceMs: number }
  /** No more submissions will come, as far as the client knows. */
  | { readonly type: 'ended' }
  /** A worker begins, or comes back to a master that did not know it. */
  | {
      readonly type: 'joined';
      readonly worker: string;
      readonly slots: number;
      readonly held: readonly HeldBefore[];
    }
  /** The worker lives, and would take so many calls; `undefined`: as many as before. */
  | { readonly type: 'room'; readonly worker: string; readonly calls: number | undefined }
  | { readonly type: 'answered'; readonly worker: string; readonly answers: readonly WorkerAnswer[] }
  /** Its connection broke: it comes back soon, or it is gone. */
  | { readonly type: 'disconnected'; readonly worker: string }
  /** It has left in good order. */
  | { readonly type: 'left'; readonly worker: string }
  /** Somebody saw its end. */
  | { readonly type: 'died'; readonly worker: string; readonly reason: LossReason }
  /** Time has passed. `stalledMs`: for so long nobody listened here, so that silence meanwhile says nothing. */
  | { readonly type: 'tick'; readonly stalledMs?: number };

export type LeaseInstruction =
  | { readonly type: 'lease'; readonly worker: string; readonly submission: number; readonly leased: AttemptCalls }
  | {
      readonly type: 'cancel';
      readonly worker: string;
      readonly target: CancelTarget;
      readonly graceMs: number;
    }
  /** These attempts end without a status. */
  | { readonly type: 'lost'; readonly lost: AttemptCalls; readonly reason: LossReason }
  | { readonly type: 'worker-gone'; readonly worker: string; readonly reason: LossReason | undefined }
  /** The job needs no worker any more. */
  | { readonly type: 'dismiss'; readonly worker: string }
  /** Nothing of the job is left to do. */
  | { readonly type: 'over' };

/** What of a job must survive the master. */
export interface LeaseProgress {
  readonly done: readonly AttemptCalls[];
  readonly lost: readonly LostCalls[];
  /** How often workers died holding a call, of calls of which any did. */
  readonly deaths: readonly { readonly attempt: number; readonly callId: number; readonly deaths: number }[];
  /** Workers that took part: a new master waits a moment for them, for they hold calls. */
  readonly workers: readonly string[];
}

export interface LostCalls extends AttemptCalls {
  readonly reason: LossReason;
}
