/** Random sequences against a model of the broker: everything is taken, nothing is hoarded, nobody starves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeatPlan, type SeatEvent } from './seat-plan.ts';

interface Consumer {
  readonly grant: number;
  readonly job: string;
  readonly messages: number;
  held: number;
  open: boolean;
}

/** A broker with queues, and a worker that finishes its messages in the order in which they came. */
class Model {
  readonly plan = new SeatPlan();
  readonly queues = new Map<string, number>();
  readonly consumers = new Map<number, Consumer>();
  readonly held: Consumer[] = [];
  readonly taken: string[] = [];
  /** Answers of the broker that are on their way. */
  #answers: SeatEvent[] = [];
  #nowMs = 0;
  #room = 0;
  mostHeld = 0;
  opened = 0;

  get waiting(): number {
    return [...this.queues.values()].reduce((sum, count) => sum + count, 0);
  }

  tell(event: SeatEvent): void {
    if (event.type === 'room') this.#room = event.messages;
    for (const instruction of this.plan.handle(event, this.#nowMs)) {
      switch (instruction.type) {
        case 'open': {
          const { grant, job, messages } = instruction;
          this.opened += 1;
          this.consumers.set(grant, { grant, job, messages, held: 0, open: true });
          this.#answers.push({ type: 'opened', grant });
          break;
        }
        case 'close':
          (this.consumers.get(instruction.grant) as Consumer).open = false;
          this.#answers.push({ type: 'closed', grant: instruction.grant });
          break;
        case 'look':
          this.#answers.push({
            type: 'looked',
            job: instruction.job,
            found: (this.queues.get(instruction.job) ?? 0) > 0,
          });
          break;
        case 'shed':
          break;
      }
    }
  }

  submit(job: string, messages: number, said: boolean): void {
    const known = this.queues.has(job);
    this.queues.set(job, (this.queues.get(job) ?? 0) + messages);
    if (!known) this.tell({ type: 'job', job, weight: 1 });
    else if (said) this.tell({ type: 'work', job });
  }

  /** A step of time: the broker answers and sends, the worker finishes one message. */
  step(ms: number): void {
    this.#nowMs += ms;
    for (const answer of this.#answers.splice(0)) this.tell(answer);
    this.#send();
    const done = this.held.shift();
    if (done !== undefined) {
      done.held -= 1;
      this.tell({ type: 'released', grant: done.grant });
    }
    if ((this.plan.dueMs ?? Infinity) <= this.#nowMs) this.tell({ type: 'tick' });
  }

  #send(): void {
    for (const consumer of this.consumers.values()) {
      while (consumer.open && consumer.held < consumer.messages && (this.queues.get(consumer.job) ?? 0) > 0) {
        this.queues.set(consumer.job, (this.queues.get(consumer.job) ?? 0) - 1);
        consumer.held += 1;
        this.held.push(consumer);
        this.taken.push(consumer.job);
        this.mostHeld = Math.max(this.mostHeld, this.held.length - this.#room);
        this.tell({ type: 'delivered', grant: consumer.grant });
      }
    }
  }
}

const submission = fc.record({
  job: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  messages: fc.integer({ min: 1, max: 30 }),
  said: fc.boolean(),
  steps: fc.integer({ min: 0, max: 40 }),
  ms: fc.integer({ min: 1, max: 40 }),
});

describe('SeatPlan, whatever happens', () => {
  it('takes every message in the end, also those that nobody spoke of, and never more than there is room for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(submission, { minLength: 1, maxLength: 20 }),
        (room, all) => {
          const model = new Model();
          model.tell({ type: 'room', messages: room });
          for (const { job, messages, said, steps, ms } of all) {
            model.submit(job, messages, said);
            for (let step = 0; step < steps; step += 1) model.step(ms);
          }
          for (let step = 0; step < 5_000 && model.waiting + model.held.length > 0; step += 1) model.step(20);
          expect(model.waiting + model.held.length).toBe(0);
          expect(model.mostHeld).toBeLessThanOrEqual(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('comes to rest when more jobs than it has room for have nothing in their queues', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        (room, jobs, ms) => {
          const model = new Model();
          model.tell({ type: 'room', messages: room });
          for (let job = 0; job < jobs; job += 1) model.submit(`j${job}`, 0, true);
          for (let step = 0; step < 100; step += 1) model.step(ms);
          const before = model.opened;
          for (let step = 0; step < 1_000; step += 1) model.step(1);
          // A turn takes 250 ms.
          expect(model.opened - before).toBeLessThanOrEqual(4 * room + 4);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('lets a small job through while a huge one fills all the room', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 10 }), (room, small) => {
        const model = new Model();
        model.tell({ type: 'room', messages: room });
        model.submit('a', 100_000, true);
        for (let step = 0; step < 50; step += 1) model.step(5);
        const before = model.taken.length;
        model.submit('b', small, true);
        while (model.queues.get('b') !== 0) {
          model.step(5);
          expect(model.taken.length - before).toBeLessThan(4 * room + 4 * small + 10);
        }
      }),
      { numRuns: 50 },
    );
  });
});
