/** How calls leave the machine: each one through exactly one of these. */
import type { CallOutcome, LossReason } from '@splitrock/core/plugin';
import type { AssignmentState, RunningState, SlotState } from './assignment-state.ts';
import type { FinishedCall, HeldCall } from './assignment-types.ts';

export function settle<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  running: RunningState<Call>,
  outcome: CallOutcome,
  finished?: FinishedCall,
): void {
  state.unanswered += 1;
  state.out.push({
    type: 'settle',
    settlement: {
      call: running.call,
      slot: slot.id,
      startedAtMs: finished?.startedAtMs ?? running.startedAtMs,
      finishedAtMs: finished?.finishedAtMs ?? state.nowMs,
      outcome,
      ...(finished?.usage === undefined ? {} : { usage: finished.usage }),
    },
  });
}

/** The end of a call that never got a slot. */
export function settleUnrun<Call extends HeldCall>(
  state: AssignmentState<Call>,
  call: Call,
  outcome: CallOutcome,
): void {
  state.unanswered += 1;
  const { nowMs } = state;
  state.out.push({ type: 'settle', settlement: { call, slot: 0, startedAtMs: nowMs, finishedAtMs: nowMs, outcome } });
}

export function giveBack<Call extends HeldCall>(
  state: AssignmentState<Call>,
  calls: readonly Call[],
  reason?: LossReason,
): void {
  for (const call of calls) state.out.push({ type: 'give-back', call, ...(reason === undefined ? {} : { reason }) });
}

export function forget<Call extends HeldCall>(state: AssignmentState<Call>, calls: readonly Call[]): void {
  for (const call of calls) state.out.push({ type: 'forget', call });
}

/** The end of a call that was being stopped, by whatever it took. `own` is what it made of itself, if it got that far. */
export function settleStopped<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  running: RunningState<Call>,
  own?: FinishedCall,
): void {
  const stop = running.stop as NonNullable<typeof running.stop>;
  if (stop.cause === 'cancel') settle(state, slot, running, { kind: 'cancelled' }, own);
  else if (stop.cause === 'timeout') {
    const timeoutMs = state.jobs.get(running.call.job)?.needs?.timeoutMs ?? 0;
    settle(state, slot, running, { kind: 'timeout', timeoutMs, by: stop.stage }, own);
  } else if (own?.outcome.kind === 'value') settle(state, slot, running, own.outcome, own);
  else giveBack(state, [running.call], DRAINED_WHILE_RUNNING);
}

const DRAINED_WHILE_RUNNING: LossReason = {
  kind: 'worker-lost',
  message: 'The worker was told to leave and the call did not end within its grace.',
};
