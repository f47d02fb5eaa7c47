import {
  decodeInputPart,
  encodeInputPart,
  type CallRange,
  type CallSubmission,
  type JobRef,
} from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import type { DispatchInstruction, DispatchMessage, LeaseInstruction } from './dispatch-events.ts';
import { Dispatcher } from './dispatcher.ts';
import { keepSubmission } from './queued-calls.ts';

const workerId = 'w1';
const job = (jobNumber: number): JobRef => ({ executorId: 'abcdefghijkl', jobNumber });
const killed = { kind: 'crash', message: 'worker process 4711 was killed by SIGKILL', signal: 'SIGKILL' } as const;
const range = (from: number, to: number): CallRange => ({ from, to });

function stored(jobNumber: number, calls: CallRange, attempt = 1): CallSubmission {
  const part = { firstCall: calls.from, calls: calls.to - calls.from };
  return { job: job(jobNumber), descriptor: new Uint8Array([jobNumber]), calls, attempt, part };
}

function connected(capacity: number): Dispatcher {
  const dispatcher = new Dispatcher();
  dispatcher.handle({ type: 'worker-connected', workerId });
  dispatcher.handle({ type: 'worker-capacity', workerId, calls: capacity });
  return dispatcher;
}

const submit = (dispatcher: Dispatcher, submission: CallSubmission): readonly DispatchInstruction[] =>
  dispatcher.handle({ type: 'submitted', submission: keepSubmission(submission) });

const messages = (instructions: readonly DispatchInstruction[]): DispatchMessage[] =>
  instructions.flatMap((instruction) => (instruction.type === 'send' ? [instruction.message] : []));

const leases = (instructions: readonly DispatchInstruction[]): LeaseInstruction[] =>
  messages(instructions).filter((message) => message.type === 'lease');

const brief = (instructions: readonly DispatchInstruction[]): string[] =>
  leases(instructions).map(
    ({ job: { jobNumber }, calls, attempt }) => `${jobNumber}:${calls.from}-${calls.to}#${attempt}`,
  );

const answer = (
  dispatcher: Dispatcher,
  type: 'started' | 'done' | 'given-back',
  leaseId: number,
  calls: CallRange,
): readonly DispatchInstruction[] =>
  dispatcher.handle({ type: 'worker-answered', workerId, answers: [{ type, leaseId, calls }] });

describe('Dispatcher', () => {
  it('delivers nothing before a worker has room, then as much as it has room for', () => {
    const dispatcher = new Dispatcher();
    expect(submit(dispatcher, stored(1, range(0, 1_000_000)))).toEqual([]);
    expect(dispatcher.hasWork).toBe(true);
    expect(dispatcher.handle({ type: 'worker-connected', workerId })).toEqual([]);
    expect(brief(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 4 }))).toEqual(['1:0-4#1']);
    expect(brief(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 6 }))).toEqual(['1:4-6#1']);
    expect(brief(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 0 }))).toEqual([]);
  });

  it('sends a descriptor once to each worker, before the first lease of its job', () => {
    const dispatcher = connected(1);
    const first = submit(dispatcher, stored(1, range(0, 3)));
    expect(messages(first).map(({ type }) => type)).toEqual(['job', 'lease']);
    expect(messages(answer(dispatcher, 'done', 1, range(0, 1))).map(({ type }) => type)).toEqual(['lease']);
    dispatcher.handle({ type: 'worker-gone', workerId, reason: killed });
    dispatcher.handle({ type: 'worker-connected', workerId });
    const second = dispatcher.handle({ type: 'worker-capacity', workerId, calls: 1 });
    expect(messages(second)[0]).toEqual({ type: 'job', job: job(1), descriptor: new Uint8Array([1]) });
  });

  it('refills as calls are done, in ranges', () => {
    const dispatcher = connected(10);
    submit(dispatcher, stored(1, range(0, 100)));
    expect(brief(answer(dispatcher, 'done', 1, range(2, 7)))).toEqual(['1:10-15#1']);
    expect(answer(dispatcher, 'done', 1, range(2, 7))).toEqual([]);
  });

  it('lets a small job catch up with one that holds the worker, and shares what is equal', () => {
    const dispatcher = connected(8);
    submit(dispatcher, stored(1, range(0, 10_000)));
    submit(dispatcher, stored(2, range(0, 10)));
    expect(brief(answer(dispatcher, 'done', 1, range(0, 3)))).toEqual(['2:0-3#1']);
    expect(brief(answer(dispatcher, 'done', 1, range(3, 5)))).toEqual(['2:3-4#1', '1:8-9#1']);
  });

  it('gives ten thousand jobs of one call their turns in order', () => {
    const dispatcher = new Dispatcher();
    for (let number = 1; number <= 10_000; number += 1) submit(dispatcher, stored(number, range(0, 1)));
    dispatcher.handle({ type: 'worker-connected', workerId });
    const delivered = leases(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 10_000 }));
    expect(delivered.map((lease) => lease.job.jobNumber)).toEqual(
      Array.from({ length: 10_000 }, (_, index) => index + 1),
    );
  });

  it('puts calls that were given back before all others of their job', () => {
    const dispatcher = connected(4);
    submit(dispatcher, stored(1, range(0, 20)));
    dispatcher.handle({ type: 'worker-capacity', workerId, calls: 0 });
    answer(dispatcher, 'done', 1, range(0, 1));
    answer(dispatcher, 'given-back', 1, range(1, 4));
    expect(brief(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 5 }))).toEqual(['1:1-4#1', '1:4-6#1']);
  });

  it('reports calls that were given back with a reason, and does not repeat them', () => {
    const dispatcher = connected(2);
    submit(dispatcher, stored(1, range(0, 2)));
    const instructions = dispatcher.handle({
      type: 'worker-answered',
      workerId,
      answers: [{ type: 'given-back', leaseId: 1, calls: range(0, 1), reason: killed }],
    });
    expect(instructions).toEqual([
      { type: 'report-lost', event: { job: job(1), attempt: 1, calls: [range(0, 1)], reason: killed } },
    ]);
  });

  it('redelivers what a dead worker had not begun, in order, and reports what it had', () => {
    const dispatcher = connected(6);
    submit(dispatcher, stored(1, range(0, 4)));
    submit(dispatcher, stored(1, range(4, 10), 2));
    answer(dispatcher, 'started', 1, range(0, 2));
    answer(dispatcher, 'done', 1, range(0, 1));
    const gone = dispatcher.handle({ type: 'worker-gone', workerId, reason: killed });
    expect(gone).toEqual([
      { type: 'report-lost', event: { job: job(1), attempt: 1, calls: [range(1, 2)], reason: killed } },
    ]);
    dispatcher.handle({ type: 'worker-connected', workerId });
    const again = dispatcher.handle({ type: 'worker-capacity', workerId, calls: 100 });
    expect(brief(again)).toEqual(['1:2-4#1', '1:4-6#2', '1:6-7#2', '1:7-10#2']);
  });

  it('ignores answers for leases of a worker that is gone', () => {
    const dispatcher = connected(2);
    submit(dispatcher, stored(1, range(0, 2)));
    dispatcher.handle({ type: 'worker-gone', workerId, reason: killed });
    expect(answer(dispatcher, 'done', 1, range(0, 2))).toEqual([]);
    expect(dispatcher.hasWork).toBe(true);
  });

  it('drops cancelled calls that wait and tells the worker of those it holds', () => {
    const dispatcher = connected(2);
    submit(dispatcher, stored(1, range(0, 10)));
    const target = { job: job(1), calls: [range(1, 5)] };
    expect(dispatcher.handle({ type: 'cancelled', target })).toEqual([
      { type: 'send', workerId, message: { type: 'cancel', target } },
    ]);
    expect(brief(answer(dispatcher, 'done', 1, range(0, 2)))).toEqual(['1:5-7#1']);
    expect(dispatcher.handle({ type: 'cancelled', target: { job: job(1), calls: [range(7, 9)] } })).toEqual([]);
    expect(brief(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 100 }))).toEqual(['1:9-10#1']);
  });

  it('cancels one attempt and leaves the other', () => {
    const dispatcher = connected(0);
    submit(dispatcher, stored(1, range(3, 4), 1));
    submit(dispatcher, stored(1, range(3, 4), 2));
    dispatcher.handle({ type: 'cancelled', target: { job: job(1), attempt: 1 } });
    expect(brief(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 9 }))).toEqual(['1:3-4#2']);
  });

  it('neither redelivers nor reports cancelled calls of a dead worker', () => {
    const dispatcher = connected(4);
    submit(dispatcher, stored(1, range(0, 4)));
    answer(dispatcher, 'started', 1, range(0, 2));
    dispatcher.handle({ type: 'cancelled', target: { job: job(1) } });
    expect(dispatcher.handle({ type: 'worker-gone', workerId, reason: killed })).toEqual([]);
    expect(dispatcher.hasWork).toBe(false);
  });

  it('does not repeat a cancelled call that is given back', () => {
    const dispatcher = connected(1);
    submit(dispatcher, stored(1, range(0, 1)));
    dispatcher.handle({ type: 'cancelled', target: { job: job(1) } });
    expect(answer(dispatcher, 'given-back', 1, range(0, 1))).toEqual([]);
    expect(dispatcher.hasWork).toBe(false);
  });

  it('ends a job on the worker once nothing of it is left', () => {
    const dispatcher = connected(1);
    submit(dispatcher, stored(1, range(0, 2)));
    expect(dispatcher.handle({ type: 'job-ended', job: job(1) })).toEqual([]);
    expect(brief(answer(dispatcher, 'done', 1, range(0, 1)))).toEqual(['1:1-2#1']);
    expect(answer(dispatcher, 'done', 2, range(1, 2))).toEqual([
      { type: 'send', workerId, message: { type: 'end-job', job: job(1) } },
    ]);
  });

  it('reports all that wait when no worker can start', () => {
    const dispatcher = new Dispatcher();
    submit(dispatcher, stored(1, range(0, 5)));
    submit(dispatcher, stored(2, range(7, 8), 3));
    const reason = { kind: 'start-failed', message: 'no worker could be started' } as const;
    expect(dispatcher.handle({ type: 'start-failed', reason })).toEqual([
      { type: 'report-lost', event: { job: job(1), attempt: 1, calls: [range(0, 5)], reason } },
      { type: 'report-lost', event: { job: job(2), attempt: 3, calls: [range(7, 8)], reason } },
    ]);
    expect(dispatcher.hasWork).toBe(false);
  });

  it('cuts inline inputs to the calls of each lease', () => {
    const payloads = Array.from({ length: 5 }, (_, index) => new Uint8Array([0, index]));
    const dispatcher = connected(2);
    const inlineInputs = encodeInputPart(40, payloads);
    const [first] = leases(submit(dispatcher, { ...stored(1, range(40, 45)), inlineInputs }));
    const [second] = leases(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 5 }));
    const inputs = decodeInputPart(first?.inlineInputs as Uint8Array);
    expect(inputs.part).toEqual({ firstCall: 40, calls: 2 });
    expect(inputs.payload(41)).toEqual(payloads[1]);
    expect(decodeInputPart(second?.inlineInputs as Uint8Array).payload(44)).toEqual(payloads[4]);
  });
});

describe('Dispatcher with several workers', () => {
  function two(capacity: number): Dispatcher {
    const dispatcher = new Dispatcher();
    for (const workerId of ['w1', 'w2']) {
      dispatcher.handle({ type: 'worker-connected', workerId });
      dispatcher.handle({ type: 'worker-capacity', workerId, calls: capacity });
    }
    return dispatcher;
  }

  /** How many calls each worker was given. */
  function shares(instructions: readonly DispatchInstruction[]): Readonly<Record<string, number>> {
    const given: Record<string, number> = {};
    for (const instruction of instructions) {
      if (instruction.type !== 'send' || instruction.message.type !== 'lease') continue;
      const { from, to } = instruction.message.calls;
      given[instruction.workerId] = (given[instruction.workerId] ?? 0) + to - from;
    }
    return given;
  }

  it('spreads few calls over all of them', () => {
    expect(shares(submit(two(6), stored(1, range(0, 4))))).toEqual({ w1: 2, w2: 2 });
  });

  it('gives each as much as it has room for, in proportion to its size', () => {
    const dispatcher = two(8);
    dispatcher.handle({ type: 'worker-capacity', workerId: 'w2', calls: 24 });
    const few = shares(submit(dispatcher, stored(1, range(0, 16))));
    expect(few['w2']).toBeGreaterThanOrEqual(2 * (few['w1'] ?? 0));
    const rest = shares(submit(dispatcher, stored(1, range(16, 1_000))));
    expect([(few['w1'] ?? 0) + (rest['w1'] ?? 0), (few['w2'] ?? 0) + (rest['w2'] ?? 0)]).toEqual([8, 24]);
  });

  it('gives what a dead worker had not begun to the other', () => {
    const dispatcher = two(2);
    submit(dispatcher, stored(1, range(0, 4)));
    expect(brief(dispatcher.handle({ type: 'worker-capacity', workerId: 'w2', calls: 4 }))).toEqual([]);
    expect(shares(dispatcher.handle({ type: 'worker-gone', workerId: 'w1', reason: killed }))).toEqual({ w2: 2 });
  });

  it('keeps calls from a worker that they avoid while another has room', () => {
    const dispatcher = two(2);
    const avoiding = { ...stored(1, range(0, 3)), avoidWorkers: ['w1'] };
    expect(shares(submit(dispatcher, avoiding))).toEqual({ w1: 1, w2: 2 });
  });

  it('cancels with every worker that holds calls of the job, and ends it with every one that knows it', () => {
    const dispatcher = two(1);
    const target = { job: job(1) };
    submit(dispatcher, stored(1, range(0, 2)));
    const cancelled = dispatcher.handle({ type: 'cancelled', target });
    expect(cancelled.map((one) => one.type === 'send' && one.workerId)).toEqual(['w1', 'w2']);
    dispatcher.handle({ type: 'job-ended', job: job(1) });
    answer(dispatcher, 'done', 1, range(0, 1));
    const ended = dispatcher.handle({
      type: 'worker-answered',
      workerId: 'w2',
      answers: [{ type: 'done', leaseId: 2, calls: range(1, 2) }],
    });
    expect(messages(ended).map(({ type }) => type)).toEqual(['end-job', 'end-job']);
  });

  it('keeps the last calls for slots that fall free, wherever that is', () => {
    const dispatcher = new Dispatcher();
    dispatcher.handle({ type: 'slots-expected', slots: 4 });
    dispatcher.handle({ type: 'worker-connected', workerId: 'w1', slots: 2 });
    dispatcher.handle({ type: 'worker-capacity', workerId: 'w1', calls: 6 });
    expect(shares(submit(dispatcher, stored(1, range(0, 5))))).toEqual({ w1: 2 });
    dispatcher.handle({ type: 'worker-connected', workerId: 'w2', slots: 2 });
    expect(shares(dispatcher.handle({ type: 'worker-capacity', workerId: 'w2', calls: 6 }))).toEqual({ w2: 2 });
    expect(shares(answer(dispatcher, 'done', 1, range(0, 1)))).toEqual({ w1: 1 });
  });

  it('fills workers in advance while many calls wait', () => {
    const dispatcher = new Dispatcher();
    dispatcher.handle({ type: 'slots-expected', slots: 4 });
    for (const workerId of ['w1', 'w2']) {
      dispatcher.handle({ type: 'worker-connected', workerId, slots: 2 });
      dispatcher.handle({ type: 'worker-capacity', workerId, calls: 40 });
    }
    expect(shares(submit(dispatcher, stored(1, range(0, 1_000))))).toEqual({ w1: 40, w2: 40 });
  });

  it('hands out nothing after its stop', () => {
    const dispatcher = two(2);
    dispatcher.handle({ type: 'stopped' });
    expect(submit(dispatcher, stored(1, range(0, 2)))).toEqual([]);
  });
});

describe('keepSubmission', () => {
  const inlineInputs = encodeInputPart(0, [new Uint8Array([0])]);
  const { part: _part, ...bare } = stored(1, range(0, 2));

  it.each([
    { name: 'an empty range', submission: { ...stored(1, range(0, 2)), calls: range(3, 3) } },
    { name: 'calls that are no numbers', submission: { ...stored(1, range(0, 2)), calls: range(0, NaN) } },
    { name: 'attempt 0', submission: stored(1, range(0, 2), 0) },
    { name: 'no inputs', submission: bare },
    { name: 'inputs of other calls', submission: { ...bare, inlineInputs } },
    { name: 'a part that does not hold the calls', submission: { ...bare, part: { firstCall: 1, calls: 5 } } },
  ])('refuses $name', ({ submission }) => {
    expect(() => keepSubmission(submission)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
  });

  it('refuses damaged inline inputs', () => {
    const damaged = { ...bare, inlineInputs: inlineInputs.subarray(0, 9) };
    expect(() => keepSubmission(damaged)).toThrow(expect.objectContaining({ code: 'DATA_CORRUPT' }));
  });
});
