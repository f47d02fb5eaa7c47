/** What the two halves of the reference backend say to each other, over the channel that Node gives a child process. */
import type { CallRange, CallSubmission, JobRef, LossReason } from '@splitrock/core/plugin';

type Lease = Pick<CallSubmission, 'job' | 'descriptor' | 'calls' | 'attempt' | 'part' | 'inlineInputs'>;

export interface CancelTarget {
  readonly job: JobRef;
  readonly calls?: readonly CallRange[];
  readonly attempt?: number;
}

export type ToWorker =
  | { readonly type: 'lease'; readonly id: number; readonly lease: Lease }
  | { readonly type: 'cancel'; readonly target: CancelTarget }
  | { readonly type: 'end-job'; readonly job: JobRef }
  | { readonly type: 'shutdown'; readonly graceMs: number };

export type FromWorker =
  | { readonly type: 'capacity'; readonly calls: number }
  | { readonly type: 'started' | 'done'; readonly id: number; readonly callId: number }
  | { readonly type: 'given-back'; readonly id: number; readonly callId: number; readonly reason?: LossReason };
