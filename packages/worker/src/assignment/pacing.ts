/**
 * How many calls to hold and to hand out, from how long calls take: few long ones, so that none waits behind another
 * while a slot elsewhere is free; many tiny ones, so that messages cost less than calls.
 */

/** Work handed to a slot at a time, in milliseconds. */
const CHUNK_MS = 4;
const MAX_CHUNK_CALLS = 512;
/** Calls wait in the slot for up to this long, so that it need not rest while the next are on their way. */
const LOOK_AHEAD_MS = 100;
/** Work held in advance: bridges the way to the call source and back. */
const PREFETCH_MS = 50;
const MAX_PREFETCH_CALLS = 4096;
/** Calls that would wait here longer than this are given back. */
const MAX_WAIT_MS = 10_000;
/** Calls that are over but not yet answered do not take room, up to this many: a stuck publisher must hold us up. */
const MAX_UNANSWERED_CALLS = 8192;
/** Tiny calls are clocked too coarsely to divide by. */
const SHORTEST_CALL_MS = 0.005;

/** One call counts for at most this many times the average: a process that was kept waiting says little about calls. */
const MAX_LEAP = 8;

/** Running average of call durations; recent calls weigh more, and a job that turns long is known after a few calls. */
export function nextAverage(averageMs: number | undefined, durationMs: number): number {
  if (averageMs === undefined) return durationMs;
  const counted = Math.min(durationMs, MAX_LEAP * Math.max(averageMs, SHORTEST_CALL_MS));
  return averageMs * 0.8 + counted * 0.2;
}

/** Calls that a slot should have when it is filled: those that it can run at once, and some that wait for their turn. */
export function slotCalls(averageMs: number | undefined, callsPerSlot: number): number {
  if (averageMs === undefined) return callsPerSlot;
  const chunk = Math.floor((callsPerSlot * CHUNK_MS) / Math.max(averageMs, SHORTEST_CALL_MS));
  // Calls that began together end together: then all that run at once are followed by others that are there already.
  const ahead = Math.min(callsPerSlot, Math.floor((callsPerSlot * LOOK_AHEAD_MS) / Math.max(averageMs, 1)));
  return callsPerSlot + Math.min(Math.max(chunk - 1, ahead), MAX_CHUNK_CALLS - 1);
}

/** Calls to hold beyond those in slots. */
export function prefetchCalls(averageMs: number | undefined, room: number): number {
  const few = clamp(Math.ceil(room / 4), 1, 4);
  if (averageMs === undefined) return few;
  return clamp(Math.ceil((room * PREFETCH_MS) / Math.max(averageMs, SHORTEST_CALL_MS)), few, MAX_PREFETCH_CALLS);
}

export interface Holding {
  /** Calls that usable slots can run at once. */
  readonly room: number;
  /** Calls handed to slots. */
  readonly handed: number;
  /** Calls whose status is not out yet. */
  readonly unanswered: number;
  readonly averageMs: number | undefined;
}

/** How many unanswered calls the worker is willing to hold. */
export function capacityFor({ room, handed, unanswered, averageMs }: Holding): number {
  if (room === 0) return 0;
  return Math.max(room, handed) + Math.min(unanswered, MAX_UNANSWERED_CALLS) + prefetchCalls(averageMs, room);
}

/** Whether a new capacity is worth telling: each telling may be a message to a broker. */
export const worthTelling = (told: number, wanted: number): boolean =>
  told !== wanted && (told === 0 || wanted === 0 || Math.abs(wanted - told) * 8 >= told);

/** Calls of a job that wait here although long ones should wait where other workers see them. */
export function excessCalls(waiting: number, meanMs: number | undefined, room: number): number {
  if (meanMs === undefined) return 0;
  const wanted = prefetchCalls(meanMs, room);
  return (waiting * meanMs) / Math.max(1, room) > MAX_WAIT_MS && waiting > 2 * wanted ? waiting - wanted : 0;
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
