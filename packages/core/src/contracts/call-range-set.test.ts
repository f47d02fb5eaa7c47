import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallRangeSet } from './call-range-set.ts';

const range = fc
  .tuple(fc.nat(40), fc.integer({ min: 1, max: 12 }))
  .map(([from, length]) => ({ from, to: from + length }));

const members = (ranges: readonly { from: number; to: number }[]): number[] =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index));

describe('CallRangeSet', () => {
  it('joins ranges that touch and keeps others apart', () => {
    const set = new CallRangeSet([
      { from: 5, to: 7 },
      { from: 0, to: 2 },
      { from: 2, to: 5 },
      { from: 9, to: 10 },
    ]);
    expect(set.ranges).toEqual([
      { from: 0, to: 7 },
      { from: 9, to: 10 },
    ]);
    expect(set.size).toBe(8);
  });

  it('answers what it removed, and splits a range whose middle goes', () => {
    const set = new CallRangeSet([{ from: 0, to: 10 }]);
    expect(set.remove({ from: 4, to: 6 })).toEqual([{ from: 4, to: 6 }]);
    expect(set.remove({ from: 3, to: 7 })).toEqual([
      { from: 3, to: 4 },
      { from: 6, to: 7 },
    ]);
    expect(set.ranges).toEqual([
      { from: 0, to: 3 },
      { from: 7, to: 10 },
    ]);
  });

  it('behaves as a set of numbers under random additions and removals', () => {
    const operation = fc.record({ type: fc.constantFrom('add' as const, 'remove' as const), range });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), range, (operations, probe) => {
        const set = new CallRangeSet();
        const model = new Set<number>();
        for (const { type, range: calls } of operations) {
          const expected = members([calls]).filter((id) => model.has(id));
          if (type === 'add') set.add(calls);
          else expect(members(set.remove(calls))).toEqual(expected);
          for (const id of members([calls])) {
            if (type === 'add') model.add(id);
            else model.delete(id);
          }
        }
        expect(members(set.ranges)).toEqual([...model].toSorted((a, b) => a - b));
        expect(set.size).toBe(model.size);
        expect(members(set.intersection(probe))).toEqual(members([probe]).filter((id) => model.has(id)));
        set.ranges.slice(1).forEach((next, index) => expect(next.from).toBeGreaterThan(set.ranges[index]?.to ?? 0));
      }),
    );
  });
});
