/** Stopping calls: cancellation, timeouts, the end of a drain; abort first, then SIGTERM, then SIGKILL. */
import type { CallRange } from '@splitrock/core/plugin';
import type { StopCause } from '../protocol/slot-messages.ts';
import { noteDue, type AssignmentState, type RunningState, type SlotState } from './assignment-state.ts';
import type { CancelTarget, HeldCall } from './assignment-types.ts';
import { forget } from './settle-calls.ts';

/** When a drain's grace is over, each stage of stopping gets this much at most. */
const MAX_DRAIN_STAGE_MS = 1_000;

/** Cancellation is final: what waits is dropped, what runs is stopped, what waits in a slot is marked and recalled. */
export function cancel<Call extends HeldCall>(state: AssignmentState<Call>, target: CancelTarget): void {
  const meant = (call: Call): boolean =>
    call.job === target.job &&
    (target.attempt === undefined || call.attempt === target.attempt) &&
    (target.calls === undefined || target.calls.some((range) => contains(range, call.callId)));
  const job = state.jobs.get(target.job);
  if (job === undefined) return;
  forget(state, job.queue.remove(meant));
  for (const slot of state.slots) {
    for (const queued of slot.queued) if (meant(queued.call)) queued.cancelled = true;
    for (const running of slot.running.values()) if (meant(running.call)) beginStop(state, slot, running, 'cancel');
  }
}

/** Does what time has brought due. */
export function stopDue<Call extends HeldCall>(state: AssignmentState<Call>): void {
  const draining = state.phase === 'draining' && state.drainAtMs <= state.nowMs;
  for (const slot of state.slots) {
    if (slot.phase === 'dying' || slot.phase === 'starting') enforceDeath(state, slot);
    for (const running of slot.running.values()) {
      if (running.timeoutAtMs !== undefined && running.timeoutAtMs <= state.nowMs)
        beginStop(state, slot, running, 'timeout');
      else if (draining) beginStop(state, slot, running, 'drain');
      advanceStop(state, slot, running);
    }
  }
  if (state.phase === 'draining' && !draining) noteDue(state, state.drainAtMs);
}

/** Aborts a call's signal, once; the first cause counts. */
export function beginStop<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  running: RunningState<Call>,
  cause: StopCause,
): void {
  if (running.stop !== undefined) return;
  state.out.push({ type: 'abort', slot: slot.id, sequence: running.sequence, cause });
  running.stop = { cause, stage: 'abort', nextAtMs: state.nowMs + grace(state, running, 'abortGraceMs', cause) };
  noteDue(state, running.stop.nextAtMs);
}

function advanceStop<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  running: RunningState<Call>,
): void {
  const { stop } = running;
  if (stop === undefined) {
    if (running.timeoutAtMs !== undefined) noteDue(state, running.timeoutAtMs);
    return;
  }
  if (stop.stage !== 'abort') return;
  if (stop.nextAtMs > state.nowMs) {
    noteDue(state, stop.nextAtMs);
    return;
  }
  stop.stage = 'SIGTERM';
  terminate(state, slot, state.nowMs + grace(state, running, 'killGraceMs', stop.cause));
}

/** Tells a slot's process to end; SIGKILL follows at `killAtMs` if it does not. */
function terminate<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>, killAtMs: number): void {
  if (slot.phase === 'dying') return;
  slot.phase = 'dying';
  slot.killAtMs = killAtMs;
  state.out.push({ type: 'kill-slot', slot: slot.id, signal: 'SIGTERM' });
  noteDue(state, killAtMs);
}

function enforceDeath<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): void {
  if (slot.killAtMs === undefined) return;
  if (slot.killAtMs > state.nowMs) {
    noteDue(state, slot.killAtMs);
    return;
  }
  sendKill(state, slot);
  for (const { stop } of slot.running.values()) if (stop?.stage === 'SIGTERM') stop.stage = 'SIGKILL';
}

/** SIGKILL at once; for processes that have nothing to lose. */
export function killNow<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): void {
  slot.phase = 'dying';
  sendKill(state, slot);
}

function sendKill<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): void {
  slot.killAtMs = undefined;
  state.out.push({ type: 'kill-slot', slot: slot.id, signal: 'SIGKILL' });
}

function grace<Call extends HeldCall>(
  state: AssignmentState<Call>,
  running: RunningState<Call>,
  name: 'abortGraceMs' | 'killGraceMs',
  cause: StopCause,
): number {
  const own = state.jobs.get(running.call.job)?.needs?.[name] ?? 0;
  return cause === 'drain' ? Math.min(own, MAX_DRAIN_STAGE_MS) : own;
}

const contains = (range: CallRange, callId: number): boolean => callId >= range.from && callId < range.to;
