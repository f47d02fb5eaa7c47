/**
 * Random sequences: whatever workers, clients and masters do, no attempt is lost without a word, none is given out twice while
 * its worker lives, and with one worker that does its work everything ends.
 */
import type { CallRange } from '@splitrock/core/plugin';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobLeases } from './job-leases.ts';
import type { LeaseEvent, LeaseInstruction, Submission } from './lease-events.ts';

const CONFIG = { leaseMs: 1_000, maxDeaths: 3 };
const WORKERS = ['a', 'b', 'c'] as const;

const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('submit' as const), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('join' as const), worker: fc.constantFrom(...WORKERS) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('room' as const), worker: fc.constantFrom(...WORKERS), calls: fc.nat(6) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom('started' as const, 'done' as const, 'back' as const),
      worker: fc.constantFrom(...WORKERS),
      call: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('died' as const, 'left' as const),
      worker: fc.constantFrom(...WORKERS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.nat(1_500) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cancel' as const), from: fc.nat(30), count: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
);
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

/** Keeps books of single calls, slowly and simply. */
class Model {
  nowMs = 0;
  leases = new JobLeases(CONFIG, 0);
  readonly submissions: Submission[] = [];
  /** Who was given which calls and has not answered, among workers that the master knows. */
  readonly held = new Map<string, Set<number>>();
  readonly ended = new Map<number, 'done' | 'lost' | 'cancelled'>();
  submitted = 0;

  tell(event: LeaseEvent): void {
    for (const instruction of this.leases.handle(event, this.nowMs)) this.perform(instruction);
  }

  perform(instruction: LeaseInstruction): void {
    if (instruction.type === 'worker-gone') this.held.delete(instruction.worker);
    if (instruction.type === 'lost') {
      for (const callId of idsOf(instruction.lost.calls)) {
        expect(this.ended.get(callId), `${callId} is lost`).toBeUndefined();
        this.ended.set(callId, 'lost');
      }
    }
    if (instruction.type !== 'lease') return;
    for (const callId of idsOf(instruction.leased.calls)) {
      expect(this.ended.get(callId), `${callId} is leased`).toBeUndefined();
      for (const [worker, theirs] of this.held) expect(theirs.has(callId), `${callId} is at ${worker}`).toBe(false);
      const submission = this.submissions.find(({ id }) => id === instruction.submission);
      expect(idsOf(submission?.calls ?? { from: 0, to: 0 })).toContain(callId);
      this.held.get(instruction.worker)?.add(callId);
    }
  }

  apply(step: Command): void {
    switch (step.type) {
      case 'submit': {
        const calls = { from: this.submitted, to: this.submitted + step.count };
        this.submitted = calls.to;
        const submission = { id: this.submissions.length + 1, attempt: 1, calls, avoidWorkers: [] };
        this.submissions.push(submission);
        return this.tell({ type: 'submitted', submission });
      }
      case 'join': {
        const known = [...(this.held.get(step.worker) ?? [])];
        this.held.set(step.worker, new Set());
        const held = known.map((callId) => ({ attempt: 1, calls: one(callId), started: callId % 2 === 0 }));
        for (const instruction of this.leases.handle(
          { type: 'joined', worker: step.worker, slots: 2, held },
          this.nowMs,
        )) {
          if (instruction.type !== 'worker-gone') this.perform(instruction);
        }
        this.held.set(step.worker, new Set([...known, ...(this.held.get(step.worker) ?? [])]));
        return;
      }
      case 'room':
        return this.tell({ type: 'room', worker: step.worker, calls: step.calls });
      case 'pass':
        this.nowMs += step.ms;
        return this.tell({ type: 'tick' });
      case 'died':
        return this.tell({ ...step, type: 'died', reason: { kind: 'crash', message: 'killed' } });
      case 'left':
        return this.tell({ type: 'left', worker: step.worker });
      case 'cancel': {
        const calls = { from: step.from, to: step.from + step.count + 1 };
        for (const callId of idsOf(calls)) {
          if (callId < this.submitted && !this.ended.has(callId)) this.ended.set(callId, 'cancelled');
        }
        return this.tell({ type: 'cancelled', target: { calls: [calls] }, graceMs: 0 });
      }
      case 'restart':
        return this.restart();
      default:
        return this.answer(step);
    }
  }

  answer({ type, worker, call }: Extract<Command, { call: number }>): void {
    const theirs = [...(this.held.get(worker) ?? [])];
    const callId = theirs[call % theirs.length];
    if (callId === undefined) return;
    if (type !== 'started') this.held.get(worker)?.delete(callId);
    if (type === 'done' && !this.ended.has(callId)) this.ended.set(callId, 'done');
    this.tell({ type: 'answered', worker, answers: [{ type, attempt: 1, calls: one(callId) }] });
  }

  /** Another master, which reads the log and hears of workers when they come. */
  restart(): void {
    this.leases = new JobLeases(CONFIG, this.nowMs, { ...this.leases.progress, workers: [] });
    for (const submission of this.submissions) this.tell({ type: 'submitted', submission });
    for (const [callId, end] of this.ended) {
      if (end === 'cancelled') this.tell({ type: 'cancelled', target: { calls: [one(callId)] }, graceMs: 0 });
    }
    for (const worker of this.held.keys()) this.apply({ type: 'join', worker: worker as 'a' });
  }
}

const idsOf = ({ from, to }: CallRange): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const one = (callId: number): CallRange => ({ from: callId, to: callId + 1 });

describe('JobLeases under random sequences', () => {
  it('never loses a call, and never gives one to two workers that live', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (steps) => {
        const model = new Model();
        for (const step of steps) model.apply(step);
        // Whatever happened: a worker that does its work brings every call to an end.
        for (const worker of WORKERS) model.tell({ type: 'left', worker });
        model.held.clear();
        model.apply({ type: 'join', worker: 'a' });
        for (let turn = 0; turn < model.submitted + 1; turn += 1) {
          model.apply({ type: 'room', worker: 'a', calls: 100 });
          while ((model.held.get('a')?.size ?? 0) > 0) model.apply({ type: 'done', worker: 'a', call: 0 });
        }
        expect(idsOf({ from: 0, to: model.submitted }).filter((callId) => !model.ended.has(callId))).toEqual([]);
        expect(model.leases.open).toEqual([]);
        expect(model.leases.heldCalls).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
