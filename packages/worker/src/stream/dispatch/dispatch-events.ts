/** What the dispatcher is told, and what it tells its shell to do. */
import type { CallRange, CallsLostEvent, InputPart, JobRef, LossReason } from '@splitrock/core/plugin';
import type { KeptSubmission } from './queued-calls.ts';

/** Which calls a cancellation is about: the whole job unless narrowed. */
export interface CancelTarget {
  readonly job: JobRef;
  readonly calls?: readonly CallRange[];
  readonly attempt?: number;
}

/** What a worker says of calls it holds. */
export interface WorkerAnswer {
  readonly type: 'started' | 'done' | 'given-back';
  readonly leaseId: number;
  readonly calls: CallRange;
  /** Only for `given-back`: the calls were lost while running; without it they never ran. */
  readonly reason?: LossReason;
}

export type DispatchEvent =
  | { readonly type: 'submitted'; readonly submission: KeptSubmission }
  | { readonly type: 'cancelled'; readonly target: CancelTarget }
  | { readonly type: 'job-ended'; readonly job: JobRef }
  /** A new worker is connected. It takes nothing until it says how much it will hold. */
  | { readonly type: 'worker-connected'; readonly workerId: string; readonly slots?: number }
  /** So many calls could run at once if every worker were there. */
  | { readonly type: 'slots-expected'; readonly slots: number }
  | { readonly type: 'worker-capacity'; readonly workerId: string; readonly calls: number }
  | { readonly type: 'worker-answered'; readonly workerId: string; readonly answers: readonly WorkerAnswer[] }
  /** The worker is gone; whatever it holds unanswered will not be answered. */
  | { readonly type: 'worker-gone'; readonly workerId: string; readonly reason: LossReason }
  /** No worker can be started: whoever waits has waited in vain. */
  | { readonly type: 'start-failed'; readonly reason: LossReason }
  /** Nothing more is handed out. What workers hold they still answer. */
  | { readonly type: 'stopped' };

export type DispatchInstruction =
  | { readonly type: 'send'; readonly workerId: string; readonly message: DispatchMessage }
  | { readonly type: 'report-lost'; readonly event: CallsLostEvent };

/** What a worker is sent. */
export type DispatchMessage =
  /** A job's descriptor, once before the first lease of the job that this worker gets. */
  | { readonly type: 'job'; readonly job: JobRef; readonly descriptor: Uint8Array }
  | LeaseInstruction
  | { readonly type: 'cancel'; readonly target: CancelTarget }
  | { readonly type: 'end-job'; readonly job: JobRef };

/** Calls for a worker to hold. */
export interface LeaseInstruction {
  readonly type: 'lease';
  readonly leaseId: number;
  readonly job: JobRef;
  readonly calls: CallRange;
  readonly attempt: number;
  readonly part?: InputPart;
  readonly inlineInputs?: Uint8Array;
}
