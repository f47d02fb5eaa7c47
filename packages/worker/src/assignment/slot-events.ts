/** What slots tell: they are up, calls ended, calls came back unbegun, they died. */
import {
  MAX_START_FAILURES,
  jobOf,
  noteDue,
  usableSlots,
  type AssignmentState,
  type SlotState,
} from './assignment-state.ts';
import type { FinishedCall, HeldCall, SlotDeath } from './assignment-types.ts';
import { nextAverage } from './pacing.ts';
import { promote } from './place-calls.ts';
import { forget, giveBack, settle, settleStopped } from './settle-calls.ts';

/** A process that has not said that it is ready after this long is killed, and counts as a start that failed. */
const START_TIMEOUT_MS = 60_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;
/** A process without calls that dies sooner than this was not started well, although it said that it was ready. */
const STEADY_MS = 10_000;

/**
 * Starts processes for slots that have none, when their backoff is over. A few at a time: they would only slow each other
 * down, and the first calls would begin as late as the last.
 */
export function startSlots<Call extends HeldCall>(state: AssignmentState<Call>): void {
  if (state.phase !== 'working') return;
  let starting = state.slots.filter(({ phase }) => phase === 'starting').length;
  for (const slot of state.slots) {
    if (slot.phase !== 'down') continue;
    if (slot.restartAtMs > state.nowMs) {
      noteDue(state, slot.restartAtMs);
      continue;
    }
    if (starting >= state.options.startsAtOnce) return;
    starting += 1;
    slot.phase = 'starting';
    slot.killAtMs = state.nowMs + START_TIMEOUT_MS;
    noteDue(state, slot.killAtMs);
    state.out.push({ type: 'start-slot', slot: slot.id, memoryMiB: slot.memoryMiB });
  }
}

/** Whether it was started well is seen when a call ends in it, or when it lasts. */
export function slotReady<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): void {
  if (slot.phase !== 'starting') return;
  slot.phase = 'ready';
  slot.killAtMs = undefined;
  slot.readyAtMs = state.nowMs;
}

export function callsFinished<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  calls: readonly FinishedCall[],
): void {
  for (const finished of calls) {
    const running = slot.running.get(finished.sequence);
    if (running === undefined) continue;
    slot.running.delete(finished.sequence);
    slot.failures = 0;
    slot.isStuck = false;
    noteDuration(state, running.call.job, finished.finishedAtMs - finished.startedAtMs);
    if (running.stop === undefined) settle(state, slot, running, finished.outcome, finished);
    else settleStopped(state, slot, running, finished);
    promote(state, slot);
  }
  if (slot.running.size === 0) returnLentSlots(state, slot);
}

/** The slot confirms: nothing from this sequence on has begun or will. */
export function callsRecalled<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  fromSequence: number | undefined,
): void {
  slot.recalling = false;
  slot.isStuck = true;
  if (fromSequence === undefined) return;
  const back = slot.queued.filter((queued) => queued.sequence >= fromSequence);
  slot.queued = slot.queued.filter((queued) => queued.sequence < fromSequence);
  // The mirror may have begun a call that the slot had not: it was revoked before the slot got to it.
  for (const running of slot.running.values()) {
    if (running.sequence < fromSequence) continue;
    slot.running.delete(running.sequence);
    back.unshift({ call: running.call, sequence: running.sequence, cancelled: running.stop?.cause === 'cancel' });
  }
  putBack(state, back);
  if (slot.running.size === 0) returnLentSlots(state, slot);
}

export function slotDied<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  death: SlotDeath,
): void {
  const failedStart = hasFailedToStart(state, slot);
  // Whoever is told to die takes innocent calls with it, never guilty ones: those are being stopped.
  const culprit = slot.phase === 'dying' ? 'none' : death.culprit;
  const innocent: { call: Call; cancelled: boolean }[] = [];
  for (const running of slot.running.values()) {
    if (running.stop !== undefined) settleStopped(state, slot, running);
    else if (culprit === undefined || culprit === running.sequence)
      settle(state, slot, running, { kind: 'lost', reason: death.reason });
    else innocent.push({ call: running.call, cancelled: false });
  }
  putBack(state, [...innocent, ...slot.queued]);
  bury(state, slot, failedStart);
  if (usableSlots(state) === 0) giveUpWaiting(state, death);
}

function hasFailedToStart<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): boolean {
  if (slot.phase === 'starting') return true;
  const isSteady = state.nowMs - (slot.readyAtMs ?? state.nowMs) >= STEADY_MS;
  return slot.phase === 'ready' && slot.nextSequence === 0 && !isSteady;
}

function bury<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>, failedStart: boolean): void {
  returnLentSlots(state, slot);
  slot.running.clear();
  slot.queued = [];
  slot.nextSequence = 0;
  slot.functions.clear();
  slot.recalling = false;
  slot.isStuck = false;
  slot.worn = false;
  slot.killAtMs = undefined;
  slot.readyAtMs = undefined;
  slot.phase = 'down';
  slot.failures = failedStart ? slot.failures + 1 : 0;
  const backoffMs = failedStart ? Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (slot.failures - 1)) : 0;
  slot.restartAtMs = state.nowMs + backoffMs;
}

/** No slot can be started: the calls are better off elsewhere. */
function giveUpWaiting<Call extends HeldCall>(state: AssignmentState<Call>, death: SlotDeath): void {
  const message = `No slot process could be started in ${MAX_START_FAILURES} tries; the last one: ${death.reason.message}`;
  for (const job of state.jobs.values()) {
    giveBack(state, job.queue.take(job.queue.length), { ...death.reason, kind: 'start-failed', message });
  }
}

/** Calls that did not run to an end here wait again, first in line; without losing an attempt. */
function putBack<Call extends HeldCall>(
  state: AssignmentState<Call>,
  calls: readonly { readonly call: Call; readonly cancelled: boolean }[],
): void {
  forget(
    state,
    calls.filter((entry) => entry.cancelled).map((entry) => entry.call),
  );
  const live = calls.filter((entry) => !entry.cancelled).map((entry) => entry.call);
  if (state.phase !== 'working') giveBack(state, live);
  else if (live.length > 0) jobOf(state, (live[0] as Call).job).queue.putBack(live);
}

function returnLentSlots<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): void {
  for (const other of state.slots) if (other.lentTo === slot.id) other.lentTo = undefined;
}

function noteDuration<Call extends HeldCall>(state: AssignmentState<Call>, key: string, durationMs: number): void {
  const job = state.jobs.get(key);
  if (job !== undefined) {
    job.averageMs = nextAverage(job.averageMs, durationMs);
    job.endedCalls += 1;
    job.endedMs += durationMs;
  }
  state.averageMs = nextAverage(state.averageMs, durationMs);
}
