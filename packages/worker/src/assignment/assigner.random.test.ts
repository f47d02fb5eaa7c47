import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssignerWorld, needs } from '../../test/assigner-world.ts';

/** One thing that happens; numbers are reduced to what there is. */
type Step = readonly [what: (typeof STEPS)[number], first: number, second: number];

const STEPS = [
  'deliver',
  'deliver',
  'ready',
  'ready',
  'finish',
  'finish',
  'finish',
  'finish',
  'die',
  'blame',
  'cancel',
  'cancel-some',
  'end-job',
  'answer',
  'recalls',
  'load',
  'fail-job',
  'pass',
  'pass',
] as const;

const JOBS = ['a', 'b', 'c', 'd'];
const jobOf = (number: number): string => JOBS[number % JOBS.length] as string;

const steps = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(1000), fc.nat(1000)), { maxLength: 120 });
const worlds = fc.record({
  slots: fc.integer({ min: 1, max: 4 }),
  callsPerSlot: fc.constantFrom(1, 1, 3),
  functionsPerProcess: fc.constantFrom(2, 100),
});
const jobNeeds = fc.array(
  fc.record({
    timeoutMs: fc.constantFrom(null, 200),
    slotsPerCall: fc.constantFrom(1, 1, 1, 2),
    memoryMiB: fc.constantFrom(null, null, 256),
    chunkSize: fc.constantFrom(null, null, 4),
  }),
  { minLength: JOBS.length, maxLength: JOBS.length },
);

function apply(world: AssignerWorld, [what, first, second]: Step, nextCall: { id: number }): void {
  const slot = first % world.slots.length;
  const state = world.slots[slot];
  if (state === undefined) return;
  switch (what) {
    case 'deliver': {
      const count = 1 + (second % 20);
      world.deliver(jobOf(first), count, { from: nextCall.id });
      nextCall.id += count;
      return;
    }
    case 'ready':
      if (state.up === 'starting') world.ready(slot);
      return;
    case 'finish':
      if (state.up === 'ready') world.finish(slot, { tookMs: [0.01, 1, 100][second % 3] as number });
      return;
    case 'die':
      if (state.up !== 'down') world.die(slot);
      return;
    case 'blame': {
      const [culprit] = state.begun.keys();
      if (state.up !== 'down') world.die(slot, { culprit: second % 2 === 0 ? (culprit ?? 'none') : 'none' });
      return;
    }
    case 'cancel':
      world.cancel({ job: jobOf(first) });
      return;
    case 'cancel-some':
      world.cancel({ job: jobOf(first), calls: [{ from: second % 100, to: (second % 100) + 10 }] });
      return;
    case 'end-job':
      world.endJob(jobOf(first));
      return;
    case 'answer':
      world.answer();
      return;
    case 'recalls':
      world.answerRecalls();
      return;
    case 'load':
      world.loadJobs();
      return;
    case 'fail-job':
      world.failJob(jobOf(first));
      return;
    case 'pass':
      world.pass(second);
  }
}

/** Lets everything go well from here on, until nothing is left to do. */
function calmDown(world: AssignerWorld): void {
  for (let round = 0; round < 2000; round += 1) {
    world.loadJobs();
    world.answerRecalls();
    world.slots.forEach((slot, index) => {
      if (slot.signals.length > 0 && slot.up !== 'down') world.die(index);
      else if (slot.up === 'starting') world.ready(index);
      else world.finish(index, { tookMs: 3 });
    });
    world.answer();
    const calm = world.slots.every(({ up, signals }) => up === 'ready' && signals.length === 0);
    if (world.unended().length === 0 && (calm || world.drained)) return;
    world.pass(Math.min(world.untilDue(), 60_000));
  }
  throw new Error(`Calls are left: ${JSON.stringify({ left: world.unended().length, slots: world.inSlots() })}`);
}

describe('whatever happens to a worker', () => {
  it('ends every call exactly once, and comes to rest', () => {
    fc.assert(
      fc.property(worlds, jobNeeds, steps, (options, jobs, sequence) => {
        const world = new AssignerWorld(options);
        world.slowJobs = true;
        world.slowRecalls = true;
        JOBS.forEach((job, index) => world.needs.set(job, { ...needs, functionId: job, ...jobs[index] }));
        const nextCall = { id: 0 };
        for (const step of sequence) apply(world, step, nextCall);
        calmDown(world);
        expect(world.unended()).toEqual([]);
        expect(world.untilDue()).toBe(Infinity);
      }),
      { numRuns: 2000 },
    );
  });

  it('ends every call and itself when it is drained in the middle', () => {
    fc.assert(
      fc.property(worlds, jobNeeds, steps, steps, (options, jobs, before, after) => {
        const world = new AssignerWorld(options);
        world.slowRecalls = true;
        JOBS.forEach((job, index) => world.needs.set(job, { ...needs, functionId: job, ...jobs[index] }));
        const nextCall = { id: 0 };
        for (const step of before) apply(world, step, nextCall);
        world.drain(500);
        for (const step of after) apply(world, step, nextCall);
        calmDown(world);
        expect(world.drained).toBe(true);
        expect(world.capacity).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });
});
