/** Placing calls: which job gets a slot that fell dry, and how many calls a slot is handed. */
import {
  noteDue,
  handedCalls,
  isDry,
  isUsable,
  type AssignmentState,
  type JobState,
  type RunningState,
  type SlotState,
} from './assignment-state.ts';
import type { HeldCall, JobNeeds } from './assignment-types.ts';
import { slotCalls } from './pacing.ts';
import { beginStop, killNow } from './stop-calls.ts';

/** A call behind which others wait counts as long after this. */
const RECALL_AFTER_MS = 5;

/** Gives dry slots to jobs until there are no more of either, then tops up slots that are running low. */
export function place<Call extends HeldCall>(state: AssignmentState<Call>): void {
  replaceWornSlots(state);
  for (let placed = true; placed;) {
    const slots = state.slots.filter(isDry);
    const job = jobWithReservedSlot(state, slots) ?? (slots.length > 0 ? neediestJob(state) : undefined);
    if (job === undefined) break;
    placed = serve(state, job, job.needs as JobNeeds, slots);
    // A call that needs several slots holds what is free until there are enough; nobody else gets them meanwhile.
    if (!placed) return;
  }
  for (const slot of state.slots) refill(state, slot);
}

/** A slot that was restarted for a job's memory limit goes to that job first, or it would be restarted for nothing. */
function jobWithReservedSlot<Call extends HeldCall>(
  state: AssignmentState<Call>,
  dry: readonly SlotState<Call>[],
): JobState<Call> | undefined {
  for (const slot of dry) {
    const job = slot.reservedFor === undefined ? undefined : state.jobs.get(slot.reservedFor);
    if (job?.needs !== undefined && job.queue.length > 0) return job;
    slot.reservedFor = undefined;
  }
  return undefined;
}

/** The job with calls in hand that has the fewest slots; among equals the one that was served least recently. */
function neediestJob<Call extends HeldCall>(state: AssignmentState<Call>): JobState<Call> | undefined {
  let best: JobState<Call> | undefined;
  let bestSlots = Infinity;
  for (const job of state.jobs.values()) {
    if (!wantsSlot(state, job)) continue;
    const slots = slotsOf(state, job.key);
    if (slots < bestSlots || (slots === bestSlots && job.lastServed < (best as JobState<Call>).lastServed)) {
      best = job;
      bestSlots = slots;
    }
  }
  return best;
}

/**
 * Whether a job has calls that a dry slot can take as it is, or for which no slot is being restarted yet. A slot that is on
 * its way may never come; until then calls would go round between the slots of the job and the queue.
 */
function wantsSlot<Call extends HeldCall>(state: AssignmentState<Call>, job: JobState<Call>): boolean {
  if (job.needs === undefined || job.queue.length === 0) return false;
  const { slotsPerCall, memoryMiB } = job.needs;
  const fitting = state.slots.filter((slot) => isDry(slot) && slot.memoryMiB === memoryMiB).length;
  if (fitting >= slotsPerCall) return true;
  const coming = state.slots.filter((slot) => slot.reservedFor === job.key && slot.phase !== 'ready').length;
  return job.queue.length * slotsPerCall > coming;
}

function slotsOf<Call extends HeldCall>(state: AssignmentState<Call>, job: string): number {
  let count = 0;
  for (const slot of state.slots) {
    const lender = slot.lentTo === undefined ? slot : (state.slots[slot.lentTo] as SlotState<Call>);
    if (slot.reservedFor === job || (lender.job === job && handedCalls(lender) > 0)) count += 1;
  }
  return count;
}

/** Hands calls of a job to a slot, or has one restarted for it; false when the job must wait for more slots. */
function serve<Call extends HeldCall>(
  state: AssignmentState<Call>,
  job: JobState<Call>,
  needs: JobNeeds,
  dry: readonly SlotState<Call>[],
): boolean {
  const slot = bestSlot(job, needs, dry);
  if (slot.memoryMiB !== needs.memoryMiB) {
    slot.memoryMiB = needs.memoryMiB;
    slot.reservedFor = job.key;
    killNow(state, slot);
    return true;
  }
  if (needs.slotsPerCall > dry.length) return false;
  state.turn += 1;
  job.lastServed = state.turn;
  for (const other of dry.filter((each) => each !== slot).slice(0, needs.slotsPerCall - 1)) other.lentTo = slot.id;
  const fairShare = Math.ceil(job.queue.length / dry.length);
  hand(state, slot, job, needs, needs.slotsPerCall > 1 ? 1 : Math.min(fairShare, wantedCalls(state, job, needs)));
  return true;
}

/** Reserved for it, else with its function already loaded, else with the right memory limit. */
function bestSlot<Call extends HeldCall>(
  job: JobState<Call>,
  needs: JobNeeds,
  dry: readonly SlotState<Call>[],
): SlotState<Call> {
  const score = (slot: SlotState<Call>): number =>
    (slot.reservedFor === job.key ? 4 : 0) +
    (slot.memoryMiB === needs.memoryMiB ? 2 : 0) +
    (slot.job === job.key && slot.functions.size > 0 ? 1 : 0);
  return dry.reduce((best, slot) => (score(slot) > score(best) ? slot : best));
}

/** Calls that an empty slot takes. */
function wantedCalls<Call extends HeldCall>(
  state: AssignmentState<Call>,
  job: JobState<Call>,
  needs: JobNeeds,
): number {
  return needs.chunkSize ?? slotCalls(job.averageMs, state.options.callsPerSlot);
}

function hand<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  job: JobState<Call>,
  needs: JobNeeds,
  count: number,
): void {
  const calls = job.queue.take(count);
  if (calls.length === 0) return;
  const firstSequence = slot.nextSequence;
  slot.nextSequence += calls.length;
  slot.job = job.key;
  slot.reservedFor = undefined;
  slot.functions.add(needs.functionId);
  calls.forEach((call, index) => slot.queued.push({ call, sequence: firstSequence + index, cancelled: false }));
  state.out.push({ type: 'run', slot: slot.id, job: job.key, firstSequence, calls });
  promote(state, slot);
}

/** Mirrors the slot: as soon as it has room it begins the next call that waits in it. */
export function promote<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): void {
  while (slot.queued.length > 0 && slot.running.size < state.options.callsPerSlot) {
    const { call, sequence, cancelled } = slot.queued.shift() as (typeof slot.queued)[number];
    const timeoutMs = state.jobs.get(call.job)?.needs?.timeoutMs ?? null;
    const timeoutAtMs = timeoutMs === null ? undefined : state.nowMs + timeoutMs;
    slot.running.set(sequence, { call, sequence, startedAtMs: state.nowMs, timeoutAtMs, stop: undefined });
    if (timeoutAtMs !== undefined) noteDue(state, timeoutAtMs);
    if (cancelled) beginStop(state, slot, slot.running.get(sequence) as RunningState<Call>, 'cancel');
  }
}

/** Hands more calls of the same job to a slot that is about to run dry, unless another job is due for it. */
function refill<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): void {
  const handed = handedCalls(slot);
  if (slot.phase !== 'ready' || handed === 0 || slot.recalling || slot.worn || slot.job === undefined) return;
  const job = state.jobs.get(slot.job);
  if (job?.needs === undefined || job.queue.length === 0 || job.needs.slotsPerCall > 1) return;
  const room = state.options.callsPerSlot - handed;
  const wanted = wantedCalls(state, job, job.needs);
  const low = room > 0 || (job.needs.chunkSize === null && !slot.isStuck && handed <= wanted / 2);
  if (!low || mustYield(state, slot, job)) return;
  const fairShare = evenLevel(state, job) - handed;
  const missing = slot.isStuck ? room : (job.needs.chunkSize ?? wanted - handed);
  hand(state, slot, job, job.needs, Math.min(missing, Math.max(fairShare, room)));
}

/** How many calls each slot would have if all that the job has here were spread evenly: then none ends long after another. */
function evenLevel<Call extends HeldCall>(state: AssignmentState<Call>, job: JobState<Call>): number {
  let calls = job.queue.length;
  let slots = 0;
  for (const slot of state.slots) {
    const handed = handedCalls(slot);
    if (!isUsable(slot) || (handed > 0 && slot.job !== job.key)) continue;
    calls += handed;
    slots += 1;
  }
  return Math.ceil(calls / Math.max(1, slots));
}

/** Whether this slot is the one that its job should let run dry for a job with fewer slots. */
function mustYield<Call extends HeldCall>(
  state: AssignmentState<Call>,
  slot: SlotState<Call>,
  job: JobState<Call>,
): boolean {
  const own = slotsOf(state, job.key);
  const due = [...state.jobs.values()].some((other) => {
    if (other === job || !wantsSlot(state, other)) return false;
    const theirs = slotsOf(state, other.key);
    return theirs === 0 || theirs + 1 < own;
  });
  if (!due) return false;
  const emptiest = state.slots
    .filter((other) => other.job === job.key && handedCalls(other) > 0)
    .reduce((best, other) => (handedCalls(other) < handedCalls(best) ? other : best));
  return emptiest === slot;
}

/** Asks back calls that wait in a slot: behind a long call while another slot could run them, or when they must not run. */
export function recallWaiting<Call extends HeldCall>(state: AssignmentState<Call>): void {
  const anyIsDry = state.slots.some(isDry) && ![...state.jobs.values()].some((job) => wantsSlot(state, job));
  for (const slot of state.slots) {
    if (slot.queued.length === 0 || slot.recalling || slot.phase !== 'ready') continue;
    const must = state.phase !== 'working' || slot.queued.some((queued) => queued.cancelled);
    const free = anyIsDry || isRoomBeside(state, slot);
    const [longest] = slot.running.values();
    const stuckAtMs = (longest?.startedAtMs ?? state.nowMs) + RECALL_AFTER_MS;
    if (must || (free && stuckAtMs <= state.nowMs)) {
      slot.recalling = true;
      state.out.push({ type: 'recall', slot: slot.id });
    } else if (free) noteDue(state, stuckAtMs);
  }
}

/** Whether another slot of the same job could begin more calls, and no others are there for it. */
function isRoomBeside<Call extends HeldCall>(state: AssignmentState<Call>, slot: SlotState<Call>): boolean {
  if (slot.job === undefined || (state.jobs.get(slot.job)?.queue.length ?? 0) > 0) return false;
  return state.slots.some(
    (other) =>
      other.job === slot.job &&
      other.phase === 'ready' &&
      !other.recalling &&
      !other.worn &&
      other.lentTo === undefined &&
      other.queued.length === 0 &&
      other.running.size > 0 &&
      other.running.size < state.options.callsPerSlot,
  );
}

/** A process that has loaded many functions, or grown too large, is replaced while it has nothing to do. */
function replaceWornSlots<Call extends HeldCall>(state: AssignmentState<Call>): void {
  for (const slot of state.slots) {
    if (slot.functions.size >= state.options.functionsPerProcess) slot.worn = true;
    if (slot.worn && isDry(slot)) killNow(state, slot);
  }
}
