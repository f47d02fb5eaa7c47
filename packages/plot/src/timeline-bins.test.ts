import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { call } from '../test/sample-records.ts';
import { tabulate } from './call-table.ts';
import { colorGroups } from './color-groups.ts';
import { busyGrid, busyRuns, gridShape } from './timeline-bins.ts';

const records = fc.array(
  fc
    .record({
      start: fc.double({ min: 0, max: 100, noNaN: true }),
      length: fc.double({ min: 0, max: 30, noNaN: true }),
      slot: fc.nat(4),
      outcome: fc.constantFrom('value' as const, 'error' as const),
    })
    .map(({ start, length, slot, outcome }) => call(start, start + length, { slot, outcome })),
  { minLength: 1, maxLength: 30 },
);

describe('the grid', () => {
  it('holds in each cell the time that the calls were busy there, by group', () => {
    fc.assert(
      fc.property(
        records,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 3 }),
        (calls, bins, lanesPerRow) => {
          const table = tabulate(calls);
          const colors = colorGroups(table, 'outcome');
          const rows = Math.ceil(table.lanes.length / lanesPerRow);
          const { edges, busySeconds } = busyGrid(table, colors, { rows, bins, lanesPerRow });
          const expected = new Float64Array(busySeconds.length);
          for (let index = 0; index < table.size; index += 1) {
            const row = Math.floor((table.lane[index] as number) / lanesPerRow);
            for (let bin = 0; bin < bins; bin += 1) {
              const from = Math.max(table.started[index] as number, edges[bin] as number);
              const to = Math.min(table.finished[index] as number, edges[bin + 1] as number);
              const cell = (colors.groupOf(index) * rows + row) * bins + bin;
              expected[cell] = (expected[cell] as number) + Math.max(0, to - from);
            }
          }
          for (const [cell, busy] of busySeconds.entries()) expect(busy).toBeCloseTo(expected[cell] as number, 6);
        },
      ),
    );
  });
});

describe('the runs', () => {
  it('join neighbouring cells that look the same and leave idle time out', () => {
    const table = tabulate([call(0, 4), call(4, 5, { outcome: 'error' }), call(8, 10)]);
    const grid = busyGrid(table, colorGroups(table, 'outcome'), { rows: 1, bins: 10, lanesPerRow: 1 });
    expect(busyRuns(grid, 1)).toEqual([
      { row: 0, start: 0, end: 4, group: 0, share: 1 },
      { row: 0, start: 4, end: 5, group: 1, share: 1 },
      { row: 0, start: 8, end: 10, group: 0, share: 1 },
    ]);
  });

  it('tell in five steps how busy, rounded up', () => {
    const table = tabulate([call(0, 0.1), call(1, 1.5), call(2, 3), call(3.99, 4)]);
    const grid = busyGrid(table, colorGroups(table, 'outcome'), { rows: 1, bins: 4, lanesPerRow: 1 });
    expect(busyRuns(grid, 1).map(({ share }) => share)).toEqual([0.2, 0.6, 1, 0.2]);
  });

  it('measure a row of several lanes by all of them', () => {
    const table = tabulate([call(0, 1), call(0, 0, { slot: 1 })]);
    const grid = busyGrid(table, colorGroups(table, 'outcome'), { rows: 1, bins: 1, lanesPerRow: 2 });
    expect(busyRuns(grid, 2)).toEqual([{ row: 0, start: 0, end: 1, group: 0, share: 0.6 }]);
  });
});

it('never has more than 20,000 cells or 200 rows', () => {
  for (const lanes of [1, 2, 32, 199, 200, 201, 999, 100_000]) {
    const { rows, bins, lanesPerRow } = gridShape(lanes);
    expect(rows * bins).toBeLessThanOrEqual(20_000);
    expect(rows).toBeLessThanOrEqual(200);
    expect(rows * lanesPerRow).toBeGreaterThanOrEqual(lanes);
  }
});
