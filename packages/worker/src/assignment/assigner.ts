/**
 * Decides which call runs in which slot, when calls are stopped, and how many calls the worker holds.
 *
 * A state machine without I/O and without a clock: every event comes with the time and returns instructions, which the
 * worker's shell carries out in order. Every delivered call is answered by exactly one `settle`, `forget` or
 * `give-back`. The state is changed in place, because copying thousands of calls per event would cost more than they do.
 *
 * - A slot runs calls of one job at a time. A job that has no slot, or fewer than its share, gets the next one that
 *   falls dry; among equals the job that was served least recently.
 * - Calls wait in the worker, not in slots, unless they are tiny. Those that wait behind a call that turned out long are
 *   recalled when another slot is free.
 * - A call that is stopped goes through abort, SIGTERM and SIGKILL; calls beside it in the same process are run again.
 */
import {
  newState,
  handedCalls,
  noteDue,
  usableSlots,
  type AssignmentState,
  type SlotState,
} from './assignment-state.ts';
import type { AssignmentEvent, AssignmentInstruction, AssignmentOptions, HeldCall } from './assignment-types.ts';
import { deliver, dropJobs, jobFailed, jobReady, shedExcess } from './job-events.ts';
import { capacityFor, worthTelling } from './pacing.ts';
import { place, recallWaiting } from './place-calls.ts';
import { giveBack } from './settle-calls.ts';
import { callsFinished, callsRecalled, slotDied, slotReady, startSlots } from './slot-events.ts';
import { cancel, stopDue } from './stop-calls.ts';

export class Assigner<Call extends HeldCall> {
  readonly #state: AssignmentState<Call>;

  constructor(options: AssignmentOptions) {
    this.#state = newState<Call>(options);
  }

  /** When `tick` must come at the latest; `undefined` when nothing depends on time: a worker at rest has no timer. */
  get dueMs(): number | undefined {
    return this.#state.dueMs;
  }

  /** Calls that a slot runs; the first is the one that runs longest. */
  running(slot: number): Iterable<{ readonly call: Call; readonly sequence: number; readonly startedAtMs: number }> {
    return this.#slot(slot).running.values();
  }

  handle(event: AssignmentEvent<Call>, nowMs: number): readonly AssignmentInstruction<Call>[] {
    const state = this.#state;
    state.nowMs = nowMs;
    state.out = [];
    this.#apply(event);
    startSlots(state);
    if (state.phase === 'working') {
      shedExcess(state);
      place(state);
    }
    recallWaiting(state);
    dropJobs(state);
    this.#tellCapacity();
    this.#rest();
    return state.out;
  }

  #apply(event: AssignmentEvent<Call>): void {
    const state = this.#state;
    switch (event.type) {
      case 'start':
        state.phase = 'working';
        return;
      case 'deliver':
        return deliver(state, event.calls);
      case 'job-ready':
        return jobReady(state, event.job, event.needs);
      case 'job-failed':
        return jobFailed(state, event.job, event.outcome);
      case 'slot-ready':
        return slotReady(state, this.#slot(event.slot));
      case 'slot-died':
        return slotDied(state, this.#slot(event.slot), event.death);
      case 'slot-worn':
        this.#slot(event.slot).worn = true;
        return;
      case 'finished':
        return callsFinished(state, this.#slot(event.slot), event.calls);
      case 'recalled':
        return callsRecalled(state, this.#slot(event.slot), event.fromSequence);
      case 'answered':
        state.unanswered -= event.calls;
        return;
      case 'cancel':
        return cancel(state, event.target);
      case 'end-job':
        return this.#endJob(event.job);
      case 'drain':
        return this.#drain(event.graceMs);
      case 'tick':
        state.dueMs = undefined;
        return stopDue(state);
    }
  }

  #endJob(key: string): void {
    const job = this.#state.jobs.get(key);
    if (job !== undefined) job.ended = true;
  }

  /** May come again with a shorter grace. */
  #drain(graceMs: number): void {
    const state = this.#state;
    state.drainAtMs = Math.min(state.drainAtMs, state.nowMs + graceMs);
    noteDue(state, state.drainAtMs);
    if (state.phase === 'draining' || state.phase === 'drained') return;
    state.phase = 'draining';
    for (const job of state.jobs.values()) giveBack(state, job.queue.take(job.queue.length));
  }

  #tellCapacity(): void {
    const state = this.#state;
    const handed = state.slots.reduce((sum, slot) => sum + handedCalls(slot), 0);
    const room = state.phase === 'working' ? usableSlots(state) * state.options.callsPerSlot : 0;
    const { unanswered, averageMs } = state;
    const calls = capacityFor({ room, handed, unanswered, averageMs });
    if (!worthTelling(state.capacity, calls)) return;
    state.capacity = calls;
    state.out.push({ type: 'set-capacity', calls });
  }

  /** Without calls in hand nothing is due, and what is known of call lengths is no guide to the next job's. */
  #rest(): void {
    const state = this.#state;
    const held =
      state.slots.some((slot) => handedCalls(slot) > 0) || [...state.jobs.values()].some((job) => job.queue.length > 0);
    if (held) return;
    state.averageMs = undefined;
    if (state.slots.every((slot) => slot.phase === 'ready' || (slot.phase === 'down' && state.phase !== 'working'))) {
      state.dueMs = undefined;
    }
    if (state.phase !== 'draining' || state.unanswered > 0) return;
    state.phase = 'drained';
    state.out.push({ type: 'drained' });
  }

  #slot(id: number): SlotState<Call> {
    return this.#state.slots[id] as SlotState<Call>;
  }
}
