import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

describe('FairQueue', () => {
  it('has nobody to serve when it is empty', () => {
    expect(new FairQueue<string>().next(8)).toBeUndefined();
  });

  it.each([
    { name: 'a lone member gets all', loads: { a: 5 }, available: 8, next: { member: 'a', share: 8 } },
    {
      name: 'equals share, the first in line first',
      loads: { a: 0, b: 0 },
      available: 8,
      next: { member: 'a', share: 4 },
    },
    {
      name: 'the least loaded catches up, no further',
      loads: { a: 7, b: 4 },
      available: 8,
      next: { member: 'b', share: 3 },
    },
    { name: 'a share is at least one', loads: { a: 0, b: 0, c: 0 }, available: 2, next: { member: 'a', share: 1 } },
    { name: 'never more than there is', loads: { a: 100, b: 0 }, available: 8, next: { member: 'b', share: 8 } },
  ])('$name', ({ loads, available, next }) => {
    const queue = new FairQueue<string>();
    for (const [member, load] of Object.entries(loads)) queue.set(member, load);
    expect(queue.next(available)).toEqual(next);
  });

  it('puts a member whose load changed at the end of its new line', () => {
    const queue = new FairQueue<string>();
    queue.set('a', 0);
    queue.set('b', 1);
    queue.set('a', 1);
    expect(queue.next(1)?.member).toBe('b');
    queue.set('b', 1);
    expect(queue.next(1)?.member).toBe('b');
    queue.delete('b');
    expect(queue.next(1)?.member).toBe('a');
    expect(queue.size).toBe(1);
  });
});
