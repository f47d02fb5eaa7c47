import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changePoints, equalEdges, meanCounts, peakCount, stretchAt } from './interval-counts.ts';

const intervals = fc.array(fc.tuple(fc.nat(50), fc.nat(20)), { minLength: 1, maxLength: 40 }).map((pairs) => ({
  from: Float64Array.from(pairs, ([from]) => from),
  to: Float64Array.from(pairs, ([from, length]) => from + length),
}));

describe('counts between changes', () => {
  it('are exactly how many intervals hold each moment', () => {
    fc.assert(
      fc.property(intervals, ({ from, to }) => {
        const edges = Float64Array.from([...(changePoints([from, to], 1000) as Float64Array), 100]);
        const counts = meanCounts(edges, from, to);
        for (const [stretch, count] of counts.entries()) {
          const moment = ((edges[stretch] as number) + (edges[stretch + 1] as number)) / 2;
          expect(count).toBe(from.filter((start, index) => start <= moment && moment < (to[index] as number)).length);
        }
      }),
    );
  });
});

describe('counts over bins', () => {
  it('keep the area: as much time as the intervals last', () => {
    fc.assert(
      fc.property(intervals, fc.integer({ min: 1, max: 60 }), ({ from, to }, bins) => {
        const edges = equalEdges(70, bins);
        const counts = meanCounts(edges, from, to);
        const area = counts.reduce((sum, count) => sum + count * (70 / bins), 0);
        const total = from.reduce((sum, start, index) => sum + (to[index] as number) - start, 0);
        expect(area).toBeCloseTo(total, 6);
      }),
    );
  });

  it('leave out what is not included', () => {
    const counts = meanCounts(equalEdges(2, 2), Float64Array.of(0, 0), Float64Array.of(2, 1), (index) => index === 1);
    expect([...counts]).toEqual([1, 0]);
  });

  it('ignore intervals that end before they begin: a worker’s clock ran ahead', () => {
    expect([...meanCounts(equalEdges(2, 2), Float64Array.of(1.5), Float64Array.of(0.5))]).toEqual([0, 0]);
  });
});

describe('the peak', () => {
  it('is the largest number at one moment', () => {
    fc.assert(
      fc.property(intervals, ({ from, to }) => {
        const lasting = [...from.keys()].filter((index) => (to[index] as number) > (from[index] as number));
        const [starts, ends] = [from, to].map((column) =>
          Float64Array.from(lasting, (index) => column[index] as number),
        );
        const at = (moment: number) =>
          lasting.filter((index) => (from[index] as number) <= moment && moment < (to[index] as number));
        const expected = Math.max(0, ...lasting.map((index) => at(from[index] as number).length));
        expect(peakCount(starts as Float64Array, ends as Float64Array)).toBe(expected);
      }),
    );
  });
});

it('gives up on change points when there are too many', () => {
  expect(changePoints([Float64Array.of(3, 1, 3)], 2)).toEqual(Float64Array.of(1, 3));
  expect(changePoints([Float64Array.of(3, 1, 2)], 2)).toBeUndefined();
});

it('finds the stretch of a time, the last one for the end', () => {
  const edges = equalEdges(10, 5);
  expect([0, 1.9, 2, 9.9, 10].map((time) => stretchAt(edges, time))).toEqual([0, 0, 1, 4, 4]);
});
