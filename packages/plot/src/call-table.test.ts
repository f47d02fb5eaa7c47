import { describe, expect, it } from 'vitest';
import { EPOCH_MS, call } from '../test/sample-records.ts';
import { tabulate } from './call-table.ts';

describe('the table', () => {
  it('counts seconds from the first submission', () => {
    const { submitted, started, finished, endSeconds } = tabulate([
      call(2, 3, { submittedAtMs: EPOCH_MS + 1000 }),
      call(4, 8, { submittedAtMs: EPOCH_MS + 2000 }),
    ]);
    expect([[...submitted], [...started], [...finished], endSeconds]).toEqual([[0, 1], [1, 3], [2, 7], 7]);
  });

  it('counts from the first start where a worker’s clock is ahead', () => {
    expect([...tabulate([call(0, 1, { submittedAtMs: EPOCH_MS + 250 })]).submitted]).toEqual([0.25]);
  });

  it('orders lanes by worker as they appear, then by slot', () => {
    const { lanes, lane, workers } = tabulate([
      call(0, 1, { workerId: 'b', slot: 10 }),
      call(0, 1, { workerId: 'a', slot: 0 }),
      call(0, 1, { workerId: 'b', slot: 9 }),
    ]);
    expect(lanes.map(({ workerId, slot }) => `${workerId}${slot}`)).toEqual(['b9', 'b10', 'a0']);
    expect([[...lane], workers]).toEqual([[1, 2, 0], 2]);
  });

  it('takes any iterable and lasts at least a millisecond', () => {
    expect(tabulate(new Set([call(0, 0)])).endSeconds).toBe(0.001);
  });
});

describe('records that cannot be drawn', () => {
  it('are none at all', () => {
    expect(() => tabulate([])).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }) as Error);
    expect(() => tabulate([])).toThrow('There are no calls to draw');
  });

  it.each([
    ['that end before they start', call(2, 1)],
    ['without a time', call(0, Number.NaN)],
    ['that end a day before they were submitted', call(-90_000, -89_000)],
  ])('are ones %s', (_, record) => {
    expect(() => tabulate([call(0, 1), record])).toThrow(/impossible times \[job=resize, call=0/);
  });
});
