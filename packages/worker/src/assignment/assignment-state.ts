/** What the assignment state machine remembers of jobs and slots. */
import type { CallOutcome } from '@splitrock/core/plugin';
import type { StopCause } from '../protocol/slot-messages.ts';
import type { AssignmentInstruction, AssignmentOptions, HeldCall, JobNeeds } from './assignment-types.ts';
import { CallQueue } from './call-queue.ts';

export interface JobState<Call extends HeldCall> {
  readonly key: string;
  readonly queue: CallQueue<Call>;
  /** Known once the job's descriptor and function are here. */
  needs: JobNeeds | undefined;
  /** Set when no call of this job can ever run here. */
  impossible: CallOutcome | undefined;
  /** How long its calls took lately. */
  averageMs: number | undefined;
  /** All of its calls that ended here, and how long they took together. */
  endedCalls: number;
  endedMs: number;
  /** When calls of it may be given back again because they wait for too long. */
  shedFromMs: number;
  /** Turn in which a slot was last given to it; orders jobs that are equal otherwise. */
  lastServed: number;
  ended: boolean;
}

export const newJob = <Call extends HeldCall>(key: string, lastServed: number): JobState<Call> => ({
  key,
  queue: new CallQueue<Call>(),
  needs: undefined,
  impossible: undefined,
  averageMs: undefined,
  endedCalls: 0,
  endedMs: 0,
  shedFromMs: 0,
  lastServed,
  ended: false,
});

/** How far the stopping of a call has gone; each stage ends when the call or its process does, or at `nextAtMs`. */
export interface Stopping {
  readonly cause: StopCause;
  stage: 'abort' | 'SIGTERM' | 'SIGKILL';
  nextAtMs: number;
}

export interface RunningState<Call extends HeldCall> {
  readonly call: Call;
  readonly sequence: number;
  readonly startedAtMs: number;
  readonly timeoutAtMs: number | undefined;
  stop: Stopping | undefined;
}

export interface QueuedState<Call extends HeldCall> {
  readonly call: Call;
  readonly sequence: number;
  cancelled: boolean;
}

/**
 * - `down`: no process; `restartAtMs` says when to try again. Left by `start-slot`.
 * - `starting`: process made, nothing heard yet. Left when it is ready or dies, which SIGKILL enforces at `killAtMs`.
 * - `ready`: takes calls.
 * - `dying`: was told to die; takes nothing. Left by its death, which SIGKILL enforces at `killAtMs`.
 */
export type SlotPhase = 'down' | 'starting' | 'ready' | 'dying';

export interface SlotState<Call extends HeldCall> {
  readonly id: number;
  phase: SlotPhase;
  /** Heap limit its process was or will be started with. */
  memoryMiB: number | null;
  /** Whose calls it runs or ran last. */
  job: string | undefined;
  /** Being restarted for this job's memory limit. */
  reservedFor: string | undefined;
  /** The slot whose call occupies this one as well. */
  lentTo: number | undefined;
  readonly running: Map<number, RunningState<Call>>;
  queued: QueuedState<Call>[];
  nextSequence: number;
  recalling: boolean;
  /** Gave back what waited in it, and no call of it has ended since: what it got to wait would come back again. */
  isStuck: boolean;
  /** Starts in a row that failed: the process died before it was of use. */
  failures: number;
  /** When its process was ready; `undefined` before that. */
  readyAtMs: number | undefined;
  restartAtMs: number;
  killAtMs: number | undefined;
  readonly functions: Set<string>;
  /** To be replaced when it is dry. */
  worn: boolean;
}

export const newSlot = <Call extends HeldCall>(id: number): SlotState<Call> => ({
  id,
  phase: 'down',
  memoryMiB: null,
  job: undefined,
  reservedFor: undefined,
  lentTo: undefined,
  running: new Map(),
  queued: [],
  nextSequence: 0,
  recalling: false,
  isStuck: false,
  failures: 0,
  readyAtMs: undefined,
  restartAtMs: 0,
  killAtMs: undefined,
  functions: new Set(),
  worn: false,
});

export const handedCalls = (slot: SlotState<HeldCall>): number => slot.running.size + slot.queued.length;

/** Ready for calls of any job. */
export const isDry = (slot: SlotState<HeldCall>): boolean =>
  slot.phase === 'ready' && handedCalls(slot) === 0 && !slot.recalling && slot.lentTo === undefined;

/** The whole state, and the instructions of the event that is being handled. */
export interface AssignmentState<Call extends HeldCall> {
  readonly options: AssignmentOptions;
  readonly slots: readonly SlotState<Call>[];
  readonly jobs: Map<string, JobState<Call>>;
  out: AssignmentInstruction<Call>[];
  nowMs: number;
  /** Counts servings of jobs. */
  turn: number;
  /** Calls settled whose answer is still due. */
  unanswered: number;
  /** Of all jobs' calls lately; forgotten when the worker rests. */
  averageMs: number | undefined;
  capacity: number;
  dueMs: number | undefined;
  /** `working` from the start until `draining`; `drained` once everything is answered after that. */
  phase: 'new' | 'working' | 'draining' | 'drained';
  drainAtMs: number;
}

export const newState = <Call extends HeldCall>(options: AssignmentOptions): AssignmentState<Call> => ({
  options,
  slots: Array.from({ length: options.slots }, (_, id) => newSlot<Call>(id)),
  jobs: new Map(),
  out: [],
  nowMs: 0,
  turn: 0,
  unanswered: 0,
  averageMs: undefined,
  capacity: 0,
  dueMs: undefined,
  phase: 'new',
  drainAtMs: Infinity,
});

/** Makes sure that a tick comes by `atMs`. */
export function noteDue(state: AssignmentState<HeldCall>, atMs: number): void {
  if (state.dueMs === undefined || atMs < state.dueMs) state.dueMs = atMs;
}

export function jobOf<Call extends HeldCall>(state: AssignmentState<Call>, key: string): JobState<Call> {
  let job = state.jobs.get(key);
  if (job === undefined) {
    // A new job comes before the one that was served last and behind all that have waited longer.
    job = newJob<Call>(key, state.turn - 0.5);
    state.jobs.set(key, job);
  }
  return job;
}

/** Up, or on its way and not known to fail. */
export const isUsable = ({ phase, failures }: SlotState<HeldCall>): boolean =>
  phase === 'ready' || failures < MAX_START_FAILURES;

export const usableSlots = (state: AssignmentState<HeldCall>): number => state.slots.filter(isUsable).length;

/** Starts in a row that fail before a slot counts as unusable; it is tried on, but calls no longer wait for it. */
export const MAX_START_FAILURES = 5;
