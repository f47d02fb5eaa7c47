/**
 * When to look again: the decision, as a pure function.
 *
 * Soon after something was found, then less and less often; after a failure likewise, so that a store in trouble is
 * not pressed. A watched storage tells of changes itself: there is nothing to look for unless the last look failed.
 */
export interface PollTiming {
  /** The interval that led to {@link dueAtMs}. */
  readonly intervalMs: number;
  /** `Infinity`: not until something changes. */
  readonly dueAtMs: number;
}

export interface PollLimits {
  readonly minIntervalMs: number;
  readonly maxIntervalMs: number;
  readonly watched: boolean;
}

/** `more`: found something and stopped before the end. */
export type PollOutcome = 'more' | 'progress' | 'idle' | 'failed';

/** Longest pause after failures; a watched storage has no other interval to go by. */
const MAX_FAILURE_INTERVAL_MS = 5_000;

export const firstPoll = (dueAtMs: number): PollTiming => ({ intervalMs: 0, dueAtMs });

export function nextPoll(timing: PollTiming, outcome: PollOutcome, nowMs: number, limits: PollLimits): PollTiming {
  if (outcome === 'more') return { intervalMs: 0, dueAtMs: nowMs };
  const longer = Math.max(limits.minIntervalMs, 2 * timing.intervalMs);
  if (outcome === 'failed') {
    const intervalMs = Math.min(longer, Math.max(limits.maxIntervalMs, MAX_FAILURE_INTERVAL_MS));
    return { intervalMs, dueAtMs: nowMs + intervalMs };
  }
  if (limits.watched) return { intervalMs: 0, dueAtMs: Infinity };
  const intervalMs = outcome === 'progress' ? limits.minIntervalMs : Math.min(longer, limits.maxIntervalMs);
  return { intervalMs, dueAtMs: nowMs + intervalMs };
}
