/**
 * Random sequences: whatever the client, the workers and the kernels do, every submitted attempt of a call is, at any
 * time, in exactly one place: waiting, held by a worker, done, reported lost, or cancelled.
 */
import type { CallRange, JobRef, LossReason } from '@splitrock/core/plugin';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DispatchEvent, DispatchInstruction } from './dispatch-events.ts';
import { Dispatcher } from './dispatcher.ts';
import { keepSubmission } from './queued-calls.ts';

const REASON: LossReason = { kind: 'crash', message: 'killed' };
const jobRef = (jobNumber: number): JobRef => ({ executorId: 'abcdefghijkl', jobNumber });

type Place = 'waiting' | 'held' | 'started' | 'done' | 'lost' | 'cancelled';

const WORKERS = ['w1', 'w2'] as const;
type WorkerId = (typeof WORKERS)[number];

/** A simple, slow bookkeeper of single calls that checks every instruction. */
class Model {
  readonly places = new Map<string, Place>();
  readonly leases = { w1: new Map<number, string[]>(), w2: new Map<number, string[]>() };
  readonly submitted = new Map<number, number>();
  readonly capacity = { w1: 0, w2: 0 };

  keys = (jobNumber: number, { from, to }: CallRange): string[] =>
    Array.from({ length: to - from }, (_, index) => `${jobNumber}/${from + index}`);

  held(worker: WorkerId): number {
    return [...this.leases[worker].values()].reduce((sum, keys) => sum + keys.length, 0);
  }

  perform(instructions: readonly DispatchInstruction[]): void {
    for (const instruction of instructions) {
      if (instruction.type === 'send' && instruction.message.type === 'lease') {
        const { leaseId, job, calls } = instruction.message;
        const worker = instruction.workerId as WorkerId;
        const keys = this.keys(job.jobNumber, calls);
        for (const key of keys) expect(this.places.get(key), `${key} is leased`).toBe('waiting');
        for (const key of keys) this.places.set(key, 'held');
        this.leases[worker].set(leaseId, keys);
        expect(this.held(worker)).toBeLessThanOrEqual(this.capacity[worker]);
      } else if (instruction.type === 'report-lost') {
        const { job, calls } = instruction.event;
        for (const key of calls.flatMap((range) => this.keys(job.jobNumber, range))) {
          expect(this.places.get(key), `${key} is lost`).toBe('started');
          this.places.set(key, 'lost');
        }
      }
    }
  }
}

const worker = fc.constantFrom(...WORKERS);

const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('submit' as const),
      job: fc.integer({ min: 1, max: 3 }),
      count: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('capacity' as const), worker, calls: fc.nat(12) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom('started' as const, 'done' as const, 'given-back' as const),
      worker,
      lease: fc.nat(),
      call: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('cancel' as const),
      job: fc.integer({ min: 1, max: 3 }),
      from: fc.nat(20),
      length: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('gone' as const), worker }) },
);

type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

/** Turns a command into the event it stands for, and updates the model as the outside world would. */
function toEvent(model: Model, step: Command): DispatchEvent | undefined {
  switch (step.type) {
    case 'submit': {
      const from = model.submitted.get(step.job) ?? 0;
      const calls = { from, to: from + step.count };
      model.submitted.set(step.job, calls.to);
      for (const key of model.keys(step.job, calls)) model.places.set(key, 'waiting');
      const part = { firstCall: from, calls: step.count };
      const submission = { job: jobRef(step.job), descriptor: new Uint8Array(), calls, attempt: 1, part };
      return { type: 'submitted', submission: keepSubmission(submission) };
    }
    case 'capacity':
      model.capacity[step.worker] = Math.max(step.calls, model.held(step.worker));
      return { type: 'worker-capacity', workerId: step.worker, calls: model.capacity[step.worker] };
    case 'cancel': {
      const calls = { from: step.from, to: step.from + step.length };
      for (const key of model.keys(step.job, calls)) {
        if (['waiting', 'held', 'started'].includes(model.places.get(key) ?? '')) model.places.set(key, 'cancelled');
      }
      return { type: 'cancelled', target: { job: jobRef(step.job), calls: [calls] } };
    }
    case 'gone': {
      for (const key of [...model.leases[step.worker].values()].flat())
        if (model.places.get(key) === 'held') model.places.set(key, 'waiting');
      model.leases[step.worker].clear();
      model.capacity[step.worker] = 0;
      return { type: 'worker-gone', workerId: step.worker, reason: REASON };
    }
    default:
      return toAnswer(model, step);
  }
}

function toAnswer(model: Model, step: Extract<Command, { call: number }>): DispatchEvent | undefined {
  const leases = model.leases[step.worker];
  const leaseIds = [...leases.keys()];
  const leaseId = leaseIds[step.lease % Math.max(1, leaseIds.length)];
  const keys = leaseId === undefined ? undefined : leases.get(leaseId);
  const key = keys?.[step.call % keys.length];
  if (leaseId === undefined || keys === undefined || key === undefined) return undefined;
  const place = model.places.get(key) as Place;
  const after = { started: 'started', done: 'done', 'given-back': 'waiting' } as const;
  if (place !== 'cancelled') model.places.set(key, after[step.type]);
  if (step.type !== 'started') {
    keys.splice(keys.indexOf(key), 1);
    if (keys.length === 0) leases.delete(leaseId);
  }
  const callId = Number(key.split('/')[1]);
  return {
    type: 'worker-answered',
    workerId: step.worker,
    answers: [{ type: step.type, leaseId, calls: { from: callId, to: callId + 1 } }],
  };
}

describe('Dispatcher under random sequences', () => {
  it('never loses a call, never gives one away twice, never exceeds the capacity', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (steps) => {
        const model = new Model();
        const dispatcher = new Dispatcher();
        for (const workerId of WORKERS) dispatcher.handle({ type: 'worker-connected', workerId });
        for (const step of steps) {
          const event = toEvent(model, step);
          if (event !== undefined) model.perform(dispatcher.handle(event));
          // Another takes its place, under the same id: nothing of the old one may be left.
          if (step.type === 'gone') dispatcher.handle({ type: 'worker-connected', workerId: step.worker });
        }
        // Whatever happened: workers that do their work bring every call to an end.
        for (const workerId of WORKERS) {
          model.capacity[workerId] = 1_000;
          model.perform(dispatcher.handle({ type: 'worker-capacity', workerId, calls: 1_000 }));
        }
        for (const each of WORKERS) {
          while (model.leases[each].size > 0) {
            const event = toAnswer(model, { type: 'done', worker: each, lease: 0, call: 0 });
            if (event !== undefined) model.perform(dispatcher.handle(event));
          }
        }
        const unfinished = [...model.places].filter(([, place]) => !['done', 'lost', 'cancelled'].includes(place));
        expect(unfinished).toEqual([]);
        expect(dispatcher.hasWork).toBe(false);
      }),
      { numRuns: 400 },
    );
  });
});
