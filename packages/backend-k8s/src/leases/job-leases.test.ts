import type { CallRange, LossReason } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { JobLeases } from './job-leases.ts';
import type { LeaseEvent, LeaseInstruction, LeaseProgress } from './lease-events.ts';

const LEASE_MS = 10_000;
const crash: LossReason = { kind: 'crash', message: 'it crashed' };
const calls = (from: number, to: number): CallRange => ({ from, to });

/** A job on a master, with time that stands still until it is moved. */
class World {
  nowMs = 0;
  readonly leases: JobLeases;
  #lastSubmission = 0;

  constructor(before?: LeaseProgress, maxDeaths = 4) {
    this.leases = new JobLeases({ leaseMs: LEASE_MS, maxDeaths }, this.nowMs, before);
  }

  tell(event: LeaseEvent): readonly string[] {
    return this.leases.handle(event, this.nowMs).map(text);
  }

  submit(range: CallRange, attempt = 1, avoidWorkers: readonly string[] = []): readonly string[] {
    const id = (this.#lastSubmission += 1);
    return this.tell({ type: 'submitted', submission: { id, attempt, calls: range, avoidWorkers } });
  }

  join(worker: string, slots = 100): readonly string[] {
    return this.tell({ type: 'joined', worker, slots, held: [] });
  }

  room(worker: string, count: number): readonly string[] {
    return this.tell({ type: 'room', worker, calls: count });
  }

  answer(worker: string, type: 'started' | 'done' | 'back', range: CallRange, reason?: LossReason): readonly string[] {
    return this.tell({ type: 'answered', worker, answers: [{ type, attempt: 1, calls: range, reason }] });
  }

  pass(ms: number): readonly string[] {
    this.nowMs += ms;
    return this.tell({ type: 'tick' });
  }
}

function text(instruction: LeaseInstruction): string {
  const span = ({ attempt, calls: { from, to } }: { attempt: number; calls: CallRange }): string =>
    `${from}-${to}${attempt === 1 ? '' : `#${attempt}`}`;
  switch (instruction.type) {
    case 'lease':
      return `lease ${instruction.worker} ${span(instruction.leased)}`;
    case 'lost':
      return `lost ${span(instruction.lost)} ${instruction.reason.kind}`;
    case 'worker-gone':
      return `gone ${instruction.worker} ${instruction.reason?.kind ?? 'well'}`;
    case 'over':
      return 'over';
    default:
      return `${instruction.type} ${instruction.worker}`;
  }
}

describe('leases', () => {
  it('go to workers that have room, as much as they have', () => {
    const world = new World();
    expect(world.submit(calls(0, 10))).toEqual([]);
    expect(world.join('a')).toEqual([]);
    expect(world.room('a', 3)).toEqual(['lease a 0-3']);
    expect(world.room('a', 0)).toEqual([]);
    expect(world.room('a', 100)).toEqual(['lease a 3-10']);
  });

  it('are shared by slots: who comes first does not take what others could run', () => {
    const world = new World();
    world.join('a', 100);
    world.join('b', 300);
    world.room('a', 100);
    expect(world.submit(calls(0, 8))).toEqual(['lease a 0-2']);
    expect(world.room('b', 5)).toEqual(['lease b 2-7', 'lease a 7-8']);
  });

  it('of calls that may be long are no more than slots: none waits in one worker while another is free', () => {
    const world = new World();
    world.submit(calls(0, 10));
    world.join('a', 2);
    expect(world.room('a', 5)).toEqual(['lease a 0-2']);
    world.join('b', 2);
    expect(world.room('b', 5)).toEqual(['lease b 2-4']);
    world.pass(5_000);
    expect(world.answer('a', 'done', calls(0, 2))).toEqual(['lease a 4-6']);
  });

  it('of calls that have turned out short are as much as the worker asks for', () => {
    const world = new World();
    world.submit(calls(0, 10));
    world.join('a', 2);
    expect(world.room('a', 5)).toEqual(['lease a 0-2']);
    world.pass(20);
    expect(world.answer('a', 'done', calls(0, 2))).toEqual(['lease a 2-5']);
    expect(world.room('a', 5)).toEqual(['lease a 5-10']);
  });

  it('of calls that come to a waiting worker are given at once', () => {
    const world = new World();
    world.join('a');
    world.room('a', 4);
    expect(world.submit(calls(5, 7))).toEqual(['lease a 5-7']);
  });

  it('go to another worker than the avoided one while there is another', () => {
    const world = new World();
    world.join('a');
    world.room('a', 5);
    world.join('b');
    expect(world.submit(calls(0, 1), 2, ['a'])).toEqual([]);
    expect(world.room('b', 1)).toEqual(['lease b 0-1#2']);
    world.submit(calls(1, 2), 2, ['a']);
    expect(world.tell({ type: 'left', worker: 'b' })).toContain('lease a 1-2#2');
  });

  it('are given again at once when their worker leaves or gives them back', () => {
    const world = new World();
    world.submit(calls(0, 4));
    world.join('a');
    world.room('a', 4);
    world.join('b');
    world.room('b', 4);
    expect(world.answer('a', 'back', calls(2, 4))).toContain('lease b 2-3');
    expect(world.tell({ type: 'left', worker: 'a' })).toEqual(['gone a well', 'lease b 0-2', 'lease b 3-4']);
    expect(world.answer('b', 'back', calls(0, 1), crash)).toEqual(['lost 0-1 crash']);
  });

  it('end when a worker is silent, and at once when it is seen dead', () => {
    const world = new World();
    world.submit(calls(0, 2));
    world.join('a');
    world.room('a', 1);
    world.join('b');
    world.nowMs = LEASE_MS - 1;
    expect(world.room('b', 1)).toEqual(['lease b 1-2']);
    world.room('b', 5);
    expect(world.leases.dueMs).toBe(LEASE_MS);
    expect(world.pass(1)).toEqual(['gone a worker-lost', 'lease b 0-1']);
    world.join('c');
    world.room('c', 5);
    expect(world.tell({ type: 'died', worker: 'b', reason: crash })).toEqual([
      'gone b crash',
      'lease c 0-1',
      'lease c 1-2',
    ]);
  });

  it('are kept by a worker whose connection breaks if it comes back soon', () => {
    const world = new World();
    world.submit(calls(0, 2));
    world.join('a');
    world.room('a', 2);
    world.tell({ type: 'disconnected', worker: 'a' });
    expect(world.pass(2_000)).toEqual([]);
    world.room('a', 0);
    expect(world.pass(5_000)).toEqual([]);
    world.tell({ type: 'disconnected', worker: 'a' });
    expect(world.pass(3_000)).toEqual(['gone a worker-lost']);
  });

  it('are kept while the master itself did not listen', () => {
    const world = new World();
    world.submit(calls(0, 2));
    world.join('a');
    world.room('a', 2);
    world.nowMs = 3 * LEASE_MS;
    expect(world.tell({ type: 'tick', stalledMs: 2 * LEASE_MS + 1 })).toEqual([]);
  });

  it('of a call that takes its workers down end as a loss, and its siblings finish', () => {
    const world = new World(undefined, 3);
    world.submit(calls(0, 3));
    const outcomes: string[] = [];
    for (const worker of ['a', 'b', 'c', 'd']) {
      world.join(worker);
      let leased = world.room(worker, 3);
      while (leased.length > 0 && !leased.some((each) => each.includes('lease') && holds(each, 1))) {
        for (const each of leased) world.answer(worker, 'done', rangeOf(each));
        leased = world.room(worker, 3);
      }
      world.answer(worker, 'started', calls(1, 2));
      outcomes.push(...world.tell({ type: 'died', worker, reason: crash }));
    }
    expect(outcomes.filter((each) => each.startsWith('lost'))).toEqual(['lost 1-2 crash']);
    world.join('e');
    const last = world.room('e', 3);
    for (const each of last) world.answer('e', 'done', rangeOf(each));
    expect(world.leases.open).toEqual([]);
  });

  it('of suspects are alone: two of them never run in one worker, and others do not wait for them', () => {
    const world = new World({
      done: [],
      lost: [],
      deaths: [0, 1].map((callId) => ({ attempt: 1, callId, deaths: 2 })),
      workers: [],
    });
    world.submit(calls(0, 3));
    world.join('a');
    expect(world.room('a', 3)).toEqual(['lease a 0-1', 'lease a 2-3']);
    expect(world.room('a', 1)).toEqual([]);
    expect(world.answer('a', 'done', calls(0, 1))).toEqual(['lease a 1-2']);
  });

  it('are answered once: what comes twice, late or from nobody changes nothing', () => {
    const world = new World();
    world.submit(calls(0, 2));
    world.join('a');
    world.room('a', 2);
    world.pass(LEASE_MS);
    world.join('b');
    expect(world.room('b', 1)).toEqual(['lease b 0-1']);
    world.answer('a', 'done', calls(0, 2));
    expect(world.leases.open).toEqual([]);
    expect(world.room('b', 1)).toEqual([]);
    expect(world.tell({ type: 'died', worker: 'b', reason: crash })).toEqual(['gone b crash']);
    expect(world.answer('a', 'back', calls(0, 2))).toEqual([]);
  });

  it('of cancelled calls are stopped, and are nobody’s when their worker dies', () => {
    const world = new World();
    world.submit(calls(0, 6));
    world.join('a');
    world.room('a', 2);
    expect(world.tell({ type: 'cancelled', target: { calls: [calls(0, 4)] }, graceMs: 0 })).toEqual(['cancel a']);
    world.join('b');
    expect(world.room('b', 9)).toEqual(['lease b 4-5']);
    expect(world.tell({ type: 'died', worker: 'a', reason: crash })).toEqual(['gone a crash', 'lease b 5-6']);
    expect(world.tell({ type: 'cancelled', target: { attempt: 7 }, graceMs: 0 })).toEqual([]);
  });

  it('are over when the job has ended and every call is answered', () => {
    const world = new World();
    world.submit(calls(0, 2));
    world.join('a');
    world.room('a', 2);
    expect(world.tell({ type: 'ended' })).toEqual([]);
    world.answer('a', 'done', calls(0, 1));
    expect(world.answer('a', 'done', calls(1, 2))).toEqual(['dismiss a', 'over']);
    expect(world.join('late')).toEqual(['dismiss late']);
    expect(world.submit(calls(0, 1), 2)).toEqual([]);
    expect(world.room('late', 1)).toEqual(['lease late 0-1#2']);
  });
});

describe('a master that takes over', () => {
  const before = (workers: readonly string[]): LeaseProgress => ({
    done: [{ attempt: 1, calls: calls(0, 4) }],
    lost: [{ attempt: 1, calls: calls(4, 5), reason: crash }],
    deaths: [],
    workers,
  });

  it('goes on with what is neither done nor lost', () => {
    const world = new World(before([]));
    world.submit(calls(0, 10));
    world.join('a');
    expect(world.room('a', 10)).toEqual(['lease a 5-10']);
  });

  it('waits for the workers that there were, and leaves them what they hold', () => {
    const world = new World(before(['a', 'b']));
    world.submit(calls(0, 10));
    const held = [{ attempt: 1, calls: calls(5, 7), started: true }];
    expect(world.tell({ type: 'joined', worker: 'a', slots: 100, held })).toEqual([]);
    expect(world.room('a', 8)).toEqual([]);
    expect(world.leases.dueMs).toBe(5_000);
    expect(world.pass(5_000)).toEqual(['lease a 7-10']);
    const again = new World(before(['a']));
    again.submit(calls(0, 10));
    again.tell({ type: 'joined', worker: 'a', slots: 100, held });
    expect(again.room('a', 1)).toEqual(['lease a 7-8']);
  });

  it('learns of calls from whoever holds them, in whatever order', () => {
    const world = new World();
    const held = [{ attempt: 1, calls: calls(0, 2), started: false }];
    world.tell({ type: 'joined', worker: 'a', slots: 100, held });
    world.submit(calls(0, 3));
    expect(world.room('a', 5)).toEqual(['lease a 2-3']);
  });
});

const rangeOf = (lease: string): CallRange => {
  const [from = 0, to = 0] = (lease.split(' ')[2] ?? '').split('-').map(Number);
  return { from, to };
};
const holds = (lease: string, callId: number): boolean => rangeOf(lease).from <= callId && callId < rangeOf(lease).to;
