import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallRange, LossReason } from '../contracts/calls.ts';
import { JobMachine, type JobEvent, type JobInstruction } from './job-machine.ts';
import type { AttemptFailure, JobPolicy } from './job-policy.ts';

const policy: JobPolicy = {
  attempts: 1,
  backoffMs: 100,
  backoffFactor: 2,
  maxBackoffMs: 1_000,
  retryable: () => true,
  lostAttempts: 3,
  concurrency: Infinity,
  rateLimit: undefined,
  speculation: undefined,
  failFast: false,
};

const thrown: AttemptFailure = { kind: 'error', error: new Uint8Array(), name: 'Error', message: 'no' };
const timeout: AttemptFailure = { kind: 'timeout', timeoutMs: 5, by: 'abort' };
const crash: LossReason = { kind: 'crash', message: 'killed by SIGKILL', signal: 'SIGKILL', workerId: 'w1' };
const lost: AttemptFailure = { kind: 'lost', reason: crash };
const storeAway: AttemptFailure = {
  kind: 'failed',
  error: { name: 'StorageError', message: 'away', code: 'STORAGE_UNAVAILABLE', retryable: true, details: {} },
};
const cannotTravel: AttemptFailure = {
  kind: 'failed',
  error: { name: 'SerializationError', message: 'no', code: 'SERIALIZE_UNSUPPORTED', retryable: false, details: {} },
};

/** A machine with a clock, and what it asked for. */
class Play {
  readonly machine: JobMachine;
  readonly asked: JobInstruction[] = [];
  nowMs = 1_000;

  constructor(changes: Partial<JobPolicy> = {}) {
    this.machine = new JobMachine({ ...policy, ...changes });
  }

  static of(calls: number, changes: Partial<JobPolicy> = {}): Play {
    const play = new Play(changes);
    if (calls > 0) play.send({ type: 'inputs-ready', calls: { from: 0, to: calls } });
    play.send({ type: 'inputs-ended', total: calls });
    return play;
  }

  send(event: JobEvent): JobInstruction[] {
    const instructions = this.machine.handle(event, this.nowMs);
    this.asked.push(...instructions);
    return instructions;
  }

  /** Moves the clock to the machine's next tick. */
  tick(): JobInstruction[] {
    const next = this.machine.nextTickMs();
    if (next === undefined) throw new Error('the machine waits for nothing');
    this.nowMs = Math.max(this.nowMs, next);
    return this.send({ type: 'tick' });
  }

  start(callId: number, attempt = 1): void {
    this.send({ type: 'started', callId, attempt });
  }

  finish(callId: number, failure?: AttemptFailure, attempt = 1): JobInstruction[] {
    return this.send({ type: 'finished', callId, attempt, workerId: 'w1', durationMs: 10, failure });
  }

  /** `from-to#attempt` of every submission asked for. */
  get submitted(): string[] {
    return this.asked.flatMap((asked) =>
      asked.type === 'submit' ? [`${asked.calls.from}-${asked.calls.to}#${asked.attempt}`] : [],
    );
  }

  /** `call:how` of every call settled. */
  get settled(): string[] {
    return this.asked.flatMap((asked) => {
      if (asked.type !== 'settle') return [];
      const { settledBy } = asked;
      return [`${asked.callId}:${settledBy.by === 'failure' ? settledBy.failure.kind : settledBy.by}`];
    });
  }

  get ended(): boolean {
    return this.asked.some(({ type }) => type === 'ended');
  }
}

describe('a job of calls that succeed', () => {
  it('submits all calls at once and ends when the last one has a value', () => {
    const play = Play.of(3);
    expect(play.submitted).toEqual(['0-3#1']);
    for (const callId of [2, 0]) play.finish(callId);
    expect(play.ended).toBe(false);
    play.finish(1);
    expect(play.settled).toEqual(['2:value', '0:value', '1:value']);
    expect(play.ended).toBe(true);
    expect(play.machine.counts).toMatchObject({ settled: 3, failed: 0, inFlight: 0, running: 0 });
  });

  it('ends at once when it has no calls', () => {
    expect(Play.of(0).ended).toBe(true);
  });

  it('does not end before the number of calls is final', () => {
    const play = new Play();
    play.send({ type: 'inputs-ready', calls: { from: 0, to: 1 } });
    play.finish(0);
    expect(play.ended).toBe(false);
    play.send({ type: 'inputs-ended', total: 1 });
    expect(play.ended).toBe(true);
  });

  it('keeps the first value and ignores a second one', () => {
    const play = Play.of(1);
    play.finish(0);
    expect(play.finish(0)).toEqual([]);
  });
});

describe('a job of a million calls', () => {
  it('is one submission, and costs few bytes a call', () => {
    const before = process.memoryUsage();
    const play = Play.of(1_000_000);
    const after = process.memoryUsage();
    expect(play.submitted).toEqual(['0-1000000#1']);
    const used = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    expect(used).toBeLessThan(100 * 1_000_000);
    expect(play.machine.counts).toMatchObject({ known: 1_000_000, total: 1_000_000, settled: 0 });
  });
});

describe('retries', () => {
  it.each([
    ['an error without retries settles the call', thrown, 1, [] as number[], 'error'],
    ['an error is tried again after the backoff', thrown, 3, [100, 200], 'error'],
    ['a timeout is tried again as well', timeout, 2, [100], 'timeout'],
    ['backoff grows up to its maximum', thrown, 6, [100, 200, 400, 800, 1_000], 'error'],
  ])('%s', (_, failure, attempts, delays, outcome) => {
    const play = Play.of(1, { attempts });
    for (const [index, delay] of delays.entries()) {
      const before = play.nowMs;
      play.finish(0, failure, index + 1);
      expect(play.settled).toEqual([]);
      play.tick();
      expect(play.nowMs - before).toBe(delay);
      expect(play.submitted.at(-1)).toBe(`0-1#${index + 2}`);
    }
    play.finish(0, failure, delays.length + 1);
    expect(play.settled).toEqual([`0:${outcome}`]);
  });

  it('asks for another worker than the one on which the call failed', () => {
    const play = Play.of(1, { attempts: 2, backoffMs: 0 });
    play.finish(0, thrown);
    expect(play.asked.at(-1)).toMatchObject({ type: 'submit', attempt: 2, avoidWorkers: ['w1'] });
  });

  it('does not try again what the policy does not want', () => {
    const play = Play.of(1, { attempts: 5, retryable: (failure) => failure.kind === 'timeout' });
    play.finish(0, thrown);
    expect(play.settled).toEqual(['0:error']);
  });

  it('never tries again what cannot succeed', () => {
    const play = Play.of(1, { attempts: 5 });
    play.finish(0, cannotTravel);
    expect(play.settled).toEqual(['0:failed']);
  });

  it('a late failure of an older attempt does not count', () => {
    const play = Play.of(1, { attempts: 3, backoffMs: 0 });
    play.finish(0, thrown, 1);
    expect(play.finish(0, thrown, 1)).toEqual([]);
    play.finish(0, undefined, 2);
    expect(play.settled).toEqual(['0:value']);
  });
});

describe('lost calls', () => {
  it('run again at once, as often as workers may be lost, without using up retries', () => {
    const play = Play.of(1, { lostAttempts: 3 });
    play.finish(0, lost, 1);
    play.finish(0, lost, 2);
    expect(play.submitted).toEqual(['0-1#1', '0-1#2', '0-1#3']);
    play.finish(0, lost, 3);
    expect(play.settled).toEqual(['0:lost']);
  });

  it('wait for a store that is away', () => {
    const play = Play.of(1);
    play.finish(0, storeAway);
    expect(play.machine.nextTickMs()).toBe(1_100);
  });

  it('that were not seen to start are innocent: many workers may vanish under them, but not endlessly', () => {
    const play = Play.of(1, { lostAttempts: 1 });
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      play.send({ type: 'lost', calls: [{ from: 0, to: 1 }], attempt, reason: crash });
      expect(play.settled).toEqual([]);
    }
    play.send({ type: 'lost', calls: [{ from: 0, to: 1 }], attempt: 21, reason: crash });
    expect(play.settled).toEqual(['0:lost']);
  });

  it('that had started count as lost', () => {
    const play = Play.of(2, { lostAttempts: 1 });
    play.start(0);
    play.send({ type: 'lost', calls: [{ from: 0, to: 2 }], attempt: 1, reason: crash });
    expect(play.settled).toEqual(['0:lost']);
    expect(play.submitted.at(-1)).toBe('1-2#2');
  });

  it('of workers that cannot start are not tried again', () => {
    const play = Play.of(1);
    const reason: LossReason = { kind: 'start-failed', message: 'no node' };
    play.send({ type: 'lost', calls: [{ from: 0, to: 1 }], attempt: 1, reason });
    expect(play.settled).toEqual(['0:lost']);
  });

  it('keep a value that arrives after all', () => {
    const play = Play.of(1);
    play.start(0);
    play.send({ type: 'lost', calls: [{ from: 0, to: 1 }], attempt: 1, reason: crash });
    play.finish(0, undefined, 1);
    expect(play.settled).toEqual(['0:value']);
    expect(play.finish(0, thrown, 2)).toEqual([]);
    expect(play.machine.counts.inFlight).toBe(0);
  });
});

describe('limits', () => {
  it('keeps at most `concurrency` calls in flight', () => {
    const play = Play.of(5, { concurrency: 2 });
    expect(play.submitted).toEqual(['0-2#1']);
    play.finish(1);
    expect(play.submitted).toEqual(['0-2#1', '2-3#1']);
    expect(play.machine.counts.inFlight).toBe(2);
  });

  it('spreads starts by the rate limit and wants no tick once all are submitted', () => {
    const play = Play.of(4, { rateLimit: { calls: 10, perMs: 1_000 } });
    const starts = [play.nowMs];
    while (play.submitted.length < 4) {
      play.tick();
      if (play.submitted.length > starts.length) starts.push(play.nowMs);
    }
    expect(starts.map((start) => Math.round(start - 1_000))).toEqual([0, 100, 200, 300]);
    expect(play.machine.nextTickMs()).toBeUndefined();
  });
});

describe('cancellation', () => {
  it('settles waiting, running and backed-off calls once and for good', () => {
    const play = Play.of(3, { attempts: 2, concurrency: 2 });
    play.finish(0, thrown);
    play.send({ type: 'cancel' });
    expect(play.settled.toSorted()).toEqual(['0:cancel', '1:cancel', '2:cancel']);
    expect(play.asked).toContainEqual({ type: 'cancel-remote' });
    expect(play.ended).toBe(true);
    expect(play.finish(1)).toEqual([]);
    expect(play.machine.nextTickMs() === undefined || play.tick().length === 0).toBe(true);
  });

  it('of some calls leaves the others alone', () => {
    const play = Play.of(3);
    const calls: CallRange[] = [{ from: 1, to: 2 }];
    play.send({ type: 'cancel', calls });
    expect(play.settled).toEqual(['1:cancel']);
    expect(play.asked.at(-1)).toEqual({ type: 'cancel-remote', calls });
  });

  it('covers inputs that come later', () => {
    const play = new Play();
    play.send({ type: 'cancel' });
    play.send({ type: 'inputs-ready', calls: { from: 0, to: 2 } });
    expect(play.submitted).toEqual([]);
    expect(play.settled).toEqual(['0:cancel', '1:cancel']);
  });

  it('follows the first failure when asked to fail fast', () => {
    const play = Play.of(3, { failFast: true });
    play.finish(1, thrown);
    expect(play.settled.toSorted()).toEqual(['0:cancel', '1:error', '2:cancel']);
    expect(play.ended).toBe(true);
  });
});

describe('stragglers', () => {
  const speculation = { quantile: 0.5, factor: 2, minMs: 50 };

  /** Eight calls, of which seven took 10 ms and the eighth is still running. */
  function withStraggler(): Play {
    const play = Play.of(8, { speculation, lostAttempts: 1 });
    for (let callId = 0; callId < 8; callId += 1) play.start(callId);
    for (let callId = 0; callId < 7; callId += 1) play.finish(callId);
    return play;
  }

  it('get one backup copy after twice the median and the minimum age', () => {
    const play = withStraggler();
    expect(play.machine.nextTickMs()).toBe(1_050);
    play.tick();
    expect(play.asked.at(-1)).toMatchObject({ type: 'submit', calls: { from: 7, to: 8 }, attempt: 2, backup: true });
    expect(play.machine.nextTickMs()).toBeUndefined();
  });

  it.each([
    ['the backup', 2, 1],
    ['the original', 1, 2],
  ])('take the first result, from %s, and cancel the other copy', (_, winner, loser) => {
    const play = withStraggler();
    play.tick();
    play.finish(7, undefined, winner);
    expect(play.settled.at(-1)).toBe('7:value');
    expect(play.asked).toContainEqual({ type: 'cancel-remote', calls: [{ from: 7, to: 8 }], attempt: loser });
    expect(play.machine.counts.inFlight).toBe(0);
  });

  it('survive the failure of one copy', () => {
    const play = withStraggler();
    play.tick();
    play.finish(7, lost, 1);
    expect(play.settled).toHaveLength(7);
    play.finish(7, undefined, 2);
    expect(play.settled.at(-1)).toBe('7:value');
  });
});

describe('a second round', () => {
  it('runs the calls without a value again, with fresh budgets, under new attempts', () => {
    const play = Play.of(3, { attempts: 1 });
    play.finish(0);
    play.finish(1, thrown);
    play.finish(2, lost);
    for (const attempt of [2, 3]) play.finish(2, lost, attempt);
    expect(play.ended).toBe(true);
    play.asked.length = 0;
    play.send({ type: 'retry-failed' });
    expect(play.submitted).toEqual(['1-2#2', '2-3#4']);
    play.finish(1, undefined, 2);
    play.finish(2, undefined, 4);
    expect(play.settled).toEqual(['1:value', '2:value']);
    expect(play.ended).toBe(true);
  });
});

describe('attaching', () => {
  it('takes over what status tells and submits only the rest', () => {
    const play = new Play({ attempts: 3, backoffMs: 0 });
    play.send({ type: 'pause' });
    play.finish(0);
    play.finish(1, thrown, 1);
    play.start(1, 2);
    play.send({ type: 'inputs-ready', calls: { from: 0, to: 4 } });
    play.send({ type: 'inputs-ended', total: 4 });
    expect(play.submitted).toEqual([]);
    expect(play.machine.inFlightCalls()).toEqual([{ from: 1, to: 2 }]);
    play.send({ type: 'lost', calls: [{ from: 1, to: 2 }], attempt: 2, reason: crash });
    play.send({ type: 'resume' });
    expect(play.submitted).toEqual(['1-2#3', '2-4#1']);
  });
});

describe('any sequence of events', () => {
  const CALLS = 6;
  const callId = fc.nat(CALLS - 1);
  const attempt = fc.integer({ min: 1, max: 6 });
  const range = fc.tuple(callId, callId).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) + 1 }));
  const failure = fc.constantFrom(undefined, thrown, timeout, lost, storeAway, cannotTravel);
  const event: fc.Arbitrary<JobEvent> = fc.oneof(
    fc.record({ type: fc.constant('started' as const), callId, attempt }),
    fc.record({
      type: fc.constant('finished' as const),
      callId,
      attempt,
      workerId: fc.constant('w'),
      durationMs: fc.nat(100),
      failure,
    }),
    fc.record({
      type: fc.constant('lost' as const),
      calls: fc.array(range, { maxLength: 2 }),
      attempt,
      reason: fc.constant(crash),
    }),
    fc.record({ type: fc.constant('submission-failed' as const), calls: range, delayMs: fc.nat(50) }),
    fc.record({ type: fc.constant('cancel' as const), calls: fc.array(range, { minLength: 1, maxLength: 1 }) }),
    fc.constant({ type: 'tick' as const }),
  );
  const policies = fc.record({
    attempts: fc.integer({ min: 1, max: 3 }),
    lostAttempts: fc.integer({ min: 1, max: 3 }),
    concurrency: fc.constantFrom(1, 2, Infinity),
    failFast: fc.boolean(),
    rateLimit: fc.constantFrom(undefined, { calls: 100, perMs: 1_000 }),
    speculation: fc.constantFrom(undefined, { quantile: 0, factor: 1, minMs: 0 }),
  });

  it('settles each call exactly once, respects the limits, and can always come to an end', () => {
    fc.assert(
      fc.property(policies, fc.array(event, { maxLength: 60 }), (changes, events) => {
        const play = Play.of(CALLS, changes);
        for (const next of events) {
          play.nowMs += 7;
          play.send(next);
          expect(play.machine.counts.inFlight).toBeGreaterThanOrEqual(0);
          expect(play.machine.counts.inFlight).toBeLessThanOrEqual(changes.concurrency);
          expect(play.machine.counts.running).toBeLessThanOrEqual(play.machine.counts.inFlight);
        }
        // Whatever happened: once every attempt in flight is answered, the job comes to its end.
        for (let round = 0; !play.ended && round < 200; round += 1) {
          for (const calls of play.machine.inFlightCalls()) {
            for (let id = calls.from; id < calls.to; id += 1) play.finish(id, undefined, play.machine.attemptOf(id));
          }
          if (!play.ended && play.machine.nextTickMs() !== undefined) play.tick();
        }
        expect(play.ended).toBe(true);
        const ids = play.settled.map((entry) => entry.split(':')[0]);
        expect(ids.toSorted((a, b) => Number(a) - Number(b))).toEqual(['0', '1', '2', '3', '4', '5']);
      }),
      { numRuns: 500 },
    );
  });
});
