import { describe, expect, it } from 'vitest';
import { EPOCH_MS, call, marksOf, steadyCalls, textsOf } from '../test/sample-records.ts';
import { renderHistogram } from './histogram.ts';

describe('the concurrency histogram', () => {
  it('has an area of running calls for each group, a line of waiting calls, and axes that say what they count', async () => {
    const { svg } = await renderHistogram([call(1, 4), call(2, 6, { slot: 1, outcome: 'error' })]);
    expect(marksOf(svg, 'area')).toHaveLength(2);
    expect(marksOf(svg, 'line')).toHaveLength(1);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining([
        'calls running',
        'calls waiting',
        'seconds since the first submission',
        '2 slots',
        'value',
        'error',
      ]),
    );
  });

  it('counts whole calls: an axis of one call has no fractions', async () => {
    const texts = textsOf((await renderHistogram([call(10, 20)])).svg);
    expect(texts.filter((text) => text.includes('.'))).toEqual([]);
    expect(texts.filter((text) => text === '1')).toHaveLength(2);
  });

  it('says how many ran at once at most', async () => {
    const records = [call(0, 2), call(1, 3, { slot: 1 }), call(2, 4, { slot: 2 })];
    expect(textsOf((await renderHistogram(records)).svg).join()).toContain('at most 2 at once');
  });

  it('steps: the area jumps where a call begins or ends', async () => {
    const { svg } = await renderHistogram([call(5, 10)]);
    const [area] = marksOf(svg, 'area');
    // Zero up to the middle of 1,000 pixels, then one: vertical lines there, no slope.
    expect(area).toMatch(/L500,300L500,0/);
  });

  it('of a million calls stays small', async () => {
    const { svg } = await renderHistogram(steadyCalls(1_000_000, 128, 0.1));
    expect(svg.length).toBeLessThan(1_000_000);
  }, 60_000);

  it('does not mind a worker’s clock that is ahead of the client’s', async () => {
    const { svg } = await renderHistogram([call(0, 2, { submittedAtMs: EPOCH_MS + 500 })]);
    expect(marksOf(svg, 'line')).toHaveLength(1);
  });
});
