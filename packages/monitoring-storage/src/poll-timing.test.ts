import { describe, expect, it } from 'vitest';
import { firstPoll, nextPoll, type PollLimits, type PollOutcome } from './poll-timing.ts';

const polled: PollLimits = { minIntervalMs: 50, maxIntervalMs: 1000, watched: false };
const watched: PollLimits = { ...polled, watched: true };

/** The intervals that follow a series of outcomes, each look at the moment it fell due. */
function intervals(outcomes: readonly PollOutcome[], limits: PollLimits): number[] {
  let timing = firstPoll(0);
  return outcomes.map((outcome) => {
    const nowMs = timing.dueAtMs === Infinity ? 0 : timing.dueAtMs;
    timing = nextPoll(timing, outcome, nowMs, limits);
    return timing.dueAtMs - nowMs;
  });
}

describe('a polled storage', () => {
  it('is looked at less and less often while nothing is found', () => {
    expect(intervals(['idle', 'idle', 'idle', 'idle', 'idle', 'idle', 'idle'], polled)).toEqual([
      50, 100, 200, 400, 800, 1000, 1000,
    ]);
  });
  it('is looked at soon after something was found', () => {
    expect(intervals(['idle', 'idle', 'progress', 'idle', 'idle'], polled)).toEqual([50, 100, 50, 100, 200]);
  });
  it('is looked at again at once when a look stopped before the end', () => {
    expect(intervals(['more', 'more', 'idle'], polled)).toEqual([0, 0, 50]);
  });
  it('is left alone for up to five seconds when looks fail', () => {
    const failed = Array.from({ length: 9 }, (): PollOutcome => 'failed');
    expect(intervals(failed, polled)).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });
  it('is never left alone for less after failures than after idle looks', () => {
    const slow = { ...polled, minIntervalMs: 20_000, maxIntervalMs: 60_000 };
    expect(intervals(['failed', 'failed', 'failed'], slow)).toEqual([20_000, 40_000, 60_000]);
  });
});

describe('a watched storage', () => {
  it('is not looked at by the clock', () => {
    expect(intervals(['idle', 'progress'], watched)).toEqual([Infinity, Infinity]);
  });
  it('is looked at again when looks fail, until one succeeds', () => {
    expect(intervals(['failed', 'failed', 'idle'], watched)).toEqual([50, 100, Infinity]);
  });
  it('is looked at again at once when a look stopped before the end', () => {
    expect(intervals(['more'], watched)).toEqual([0]);
  });
});
