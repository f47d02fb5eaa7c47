/** The words of the assignment state machine: what happens to it, and what it wants done. */
import type { CallOutcome, CallRange, CallUsage, LossReason } from '@splitrock/core/plugin';
import type { StopCause } from '../protocol/slot-messages.ts';

/** A call that this worker holds. Compared by identity; one object per delivered (call, attempt). */
export interface HeldCall {
  /** Names the job within this worker. */
  readonly job: string;
  readonly callId: number;
  readonly attempt: number;
}

/** What the machine must know of a job to place its calls. */
export interface JobNeeds {
  readonly timeoutMs: number | null;
  readonly abortGraceMs: number;
  readonly killGraceMs: number;
  /** Slots that one call occupies. */
  readonly slotsPerCall: number;
  readonly memoryMiB: number | null;
  readonly chunkSize: number | null;
  /** Identity of the function's code, for recycling processes that have loaded many. */
  readonly functionId: string;
}

export interface AssignmentOptions {
  readonly slots: number;
  readonly callsPerSlot: number;
  /** Slot processes that have loaded this many different functions are replaced; their modules are never freed. */
  readonly functionsPerProcess: number;
  /** Slot processes that start at the same time. */
  readonly startsAtOnce: number;
}

/** Calls of one slot that ended, in the order in which they did. */
export interface FinishedCall {
  readonly sequence: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly outcome: CallOutcome;
  readonly usage?: CallUsage;
}

export interface SlotDeath {
  /** What `lost` outcomes of the calls that ran there say. */
  readonly reason: LossReason;
  /** The running call that ended the process, where that is known; `none`: no running call did. */
  readonly culprit?: number | 'none';
}

export interface CancelTarget {
  readonly job: string;
  readonly calls?: readonly CallRange[];
  readonly attempt?: number;
}

/** Times are the worker's clock in milliseconds. */
export type AssignmentEvent<Call extends HeldCall> =
  | { readonly type: 'start' }
  | { readonly type: 'deliver'; readonly calls: readonly Call[] }
  | { readonly type: 'job-ready'; readonly job: string; readonly needs: JobNeeds }
  | { readonly type: 'job-failed'; readonly job: string; readonly outcome: CallOutcome }
  | { readonly type: 'slot-ready'; readonly slot: number }
  | { readonly type: 'slot-died'; readonly slot: number; readonly death: SlotDeath }
  | { readonly type: 'slot-worn'; readonly slot: number }
  | { readonly type: 'finished'; readonly slot: number; readonly calls: readonly FinishedCall[] }
  | { readonly type: 'recalled'; readonly slot: number; readonly fromSequence: number | undefined }
  | { readonly type: 'answered'; readonly calls: number }
  | { readonly type: 'cancel'; readonly target: CancelTarget }
  | { readonly type: 'end-job'; readonly job: string }
  | { readonly type: 'drain'; readonly graceMs: number }
  | { readonly type: 'tick' };

/** The end of a call here, to be published. */
export interface Settlement<Call extends HeldCall> {
  readonly call: Call;
  readonly slot: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly outcome: CallOutcome;
  readonly usage?: CallUsage;
}

/** In the order in which they must be carried out. */
export type AssignmentInstruction<Call extends HeldCall> =
  | { readonly type: 'load-job'; readonly job: string }
  | { readonly type: 'drop-job'; readonly job: string }
  | { readonly type: 'start-slot'; readonly slot: number; readonly memoryMiB: number | null }
  | {
      readonly type: 'run';
      readonly slot: number;
      readonly job: string;
      readonly firstSequence: number;
      readonly calls: readonly Call[];
    }
  | { readonly type: 'abort'; readonly slot: number; readonly sequence: number; readonly cause: StopCause }
  | { readonly type: 'kill-slot'; readonly slot: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'recall'; readonly slot: number }
  | { readonly type: 'settle'; readonly settlement: Settlement<Call> }
  /** Answer `done` without a status: cancelled before it ran. */
  | { readonly type: 'forget'; readonly call: Call }
  | { readonly type: 'give-back'; readonly call: Call; readonly reason?: LossReason }
  | { readonly type: 'set-capacity'; readonly calls: number }
  | { readonly type: 'drained' };
