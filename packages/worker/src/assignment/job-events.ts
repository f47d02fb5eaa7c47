/** What sources tell of jobs and calls, and what becomes of jobs without calls. */
import { BackendError, serializeError, type CallOutcome } from '@splitrock/core/plugin';
import { handedCalls, jobOf, noteDue, usableSlots, type AssignmentState, type JobState } from './assignment-state.ts';
import type { HeldCall, JobNeeds } from './assignment-types.ts';
import { excessCalls } from './pacing.ts';
import { giveBack, settleUnrun } from './settle-calls.ts';

/** A job whose long calls were given back keeps those that come for so long: its source may bring the same ones again. */
const SHED_PAUSE_MS = 1000;

/** Jobs without calls in hand that are remembered, with their files, in case more calls come. */
const MAX_RESTING_JOBS = 64;

/**
 * Calls that come although no slot can be started wait for the next try, and are given back with the reason when that
 * fails too: a source that brings the same ones at once would go round and round with us.
 */
export function deliver<Call extends HeldCall>(state: AssignmentState<Call>, calls: readonly Call[]): void {
  if (state.phase !== 'working') {
    giveBack(state, calls);
    return;
  }
  for (const call of calls) {
    const known = state.jobs.get(call.job);
    const job = known ?? jobOf(state, call.job);
    if (known === undefined) state.out.push({ type: 'load-job', job: call.job });
    if (job.impossible === undefined) job.queue.push(call);
    else settleUnrun(state, call, job.impossible);
  }
}

export function jobReady<Call extends HeldCall>(state: AssignmentState<Call>, key: string, needs: JobNeeds): void {
  const job = state.jobs.get(key);
  if (job === undefined) return;
  job.needs = needs;
  const slots = state.slots.length;
  if (needs.slotsPerCall <= slots) return;
  const error = new BackendError(
    'BACKEND_CANNOT_RUN',
    `A call asks for more slots than its worker has [cpu=${needs.slotsPerCall}, workerProcesses=${slots}]; lower \`cpu\` or give workers more processes.`,
    { details: { cpu: needs.slotsPerCall, workerProcesses: slots } },
  );
  job.impossible = { kind: 'failed', error: serializeError(error) };
  settleAll(state, job, job.impossible);
}

/** The next delivery tries to load the job again. */
export function jobFailed<Call extends HeldCall>(
  state: AssignmentState<Call>,
  key: string,
  outcome: CallOutcome,
): void {
  const job = state.jobs.get(key);
  if (job === undefined) return;
  settleAll(state, job, outcome);
  drop(state, job);
}

/** Gives back long calls that were taken on when calls were short: other workers can have them. */
export function shedExcess<Call extends HeldCall>(state: AssignmentState<Call>): void {
  const room = usableSlots(state) * state.options.callsPerSlot;
  for (const job of state.jobs.values()) {
    // The mean, not the recent average: one slow call among thousands of tiny ones is no reason.
    const meanMs = job.endedCalls === 0 ? undefined : job.endedMs / job.endedCalls;
    const excess = excessCalls(job.queue.length, meanMs, room);
    if (excess === 0) continue;
    if (job.shedFromMs > state.nowMs) {
      noteDue(state, job.shedFromMs);
      continue;
    }
    job.shedFromMs = state.nowMs + SHED_PAUSE_MS;
    giveBack(state, job.queue.takeLast(excess));
  }
}

/** Jobs that ended, or rest for longer than many others, are let go of with all that was kept for them. */
export function dropJobs<Call extends HeldCall>(state: AssignmentState<Call>): void {
  if (state.jobs.size <= MAX_RESTING_JOBS && ![...state.jobs.values()].some((job) => job.ended)) return;
  const busy = new Set(state.slots.flatMap((slot) => (handedCalls(slot) > 0 ? [slot.job] : [])));
  const resting = [...state.jobs.values()].filter((job) => job.queue.length === 0 && !busy.has(job.key));
  const surplus = state.jobs.size - MAX_RESTING_JOBS;
  resting
    .toSorted((a, b) => a.lastServed - b.lastServed)
    .forEach((job, index) => {
      if (job.ended || index < surplus) drop(state, job);
    });
}

function drop<Call extends HeldCall>(state: AssignmentState<Call>, job: JobState<Call>): void {
  state.jobs.delete(job.key);
  state.out.push({ type: 'drop-job', job: job.key });
}

function settleAll<Call extends HeldCall>(
  state: AssignmentState<Call>,
  job: JobState<Call>,
  outcome: CallOutcome,
): void {
  for (const call of job.queue.take(job.queue.length)) settleUnrun(state, call, outcome);
}
