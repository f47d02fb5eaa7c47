import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StatusEvent } from '../wire/status-event.ts';
import { EventQueue, estimateBytes, type EventBatch } from './event-queue.ts';

const event = (callId: number, inlineBytes = 0): StatusEvent => ({
  type: 'finished',
  callId,
  attempt: 1,
  workerId: 'w',
  slot: 0,
  startedAtMs: 0,
  finishedAtMs: 0,
  outcome: { kind: 'value', inline: new Uint8Array(inlineBytes) },
});
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => event(from + index));
const ids = (batch: EventBatch | undefined) => batch?.events.map(({ callId }) => callId);
const ROOMY = { maxEvents: 1000, maxBytes: 1_000_000 };

describe('batches', () => {
  it('hold all that waits, in order', () => {
    const queue = new EventQueue();
    void queue.add([event(1), event(2)]);
    void queue.add([event(3)]);
    expect(ids(queue.take(ROOMY))).toEqual([1, 2, 3]);
    expect(queue.take(ROOMY)).toBeUndefined();
  });

  it('end at the number of events, in the middle of a publication', () => {
    const queue = new EventQueue();
    void queue.add(range(0, 5));
    expect([0, 1, 2, 3].map(() => ids(queue.take({ ...ROOMY, maxEvents: 2 })))).toEqual([
      [0, 1],
      [2, 3],
      [4],
      undefined,
    ]);
  });

  it('end before the event that would exceed the bytes; a larger event gets one of its own', () => {
    const queue = new EventQueue();
    void queue.add([event(0, 400), event(1, 400), event(2, 5000), event(3, 10)]);
    const limits = { maxEvents: 10, maxBytes: 2 * estimateBytes(event(0, 400)) };
    expect([0, 1, 2].map(() => ids(queue.take(limits)))).toEqual([[0, 1], [2], [3]]);
  });
});

describe('a publication', () => {
  it('resolves when the last of its batches is stored', async () => {
    const queue = new EventQueue();
    let resolved = false;
    const publication = queue.add(range(0, 4)).then(() => (resolved = true));
    queue.take({ ...ROOMY, maxEvents: 3 })?.stored();
    await Promise.resolve();
    expect(resolved).toBe(false);
    queue.take(ROOMY)?.stored();
    expect(await publication).toBe(true);
  });

  it('rejects with the first of its batches that fails, and the rest of it is not stored', async () => {
    const queue = new EventQueue();
    const publication = queue.add(range(0, 4));
    const sibling = queue.add([event(9)]);
    queue.take({ ...ROOMY, maxEvents: 2 })?.failed(new Error('no'));
    await expect(publication).rejects.toThrow('no');
    const next = queue.take(ROOMY);
    expect(ids(next)).toEqual([9]);
    next?.stored();
    await sibling;
  });
});

it('takes every event once, in order, and settles every publication, whatever the sizes and limits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(300), { minLength: 1, maxLength: 8 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 1500 }),
      async (publications, maxEvents, maxBytes) => {
        const queue = new EventQueue();
        let callId = 0;
        const settled = publications.map((sizes) => queue.add(sizes.map((size) => event(callId++, size))));
        const taken: number[] = [];
        for (let batch = queue.take({ maxEvents, maxBytes }); batch; batch = queue.take({ maxEvents, maxBytes })) {
          const bytes = batch.events.reduce((sum, each) => sum + estimateBytes(each), 0);
          expect(batch.events.length === 1 || (batch.events.length <= maxEvents && bytes <= maxBytes)).toBe(true);
          taken.push(...batch.events.map((each) => each.callId));
          batch.stored();
        }
        expect(taken).toEqual(Array.from({ length: callId }, (_, id) => id));
        await Promise.all(settled);
      },
    ),
  );
});
