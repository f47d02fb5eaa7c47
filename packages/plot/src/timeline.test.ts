import { describe, expect, it } from 'vitest';
import { call, marksOf, steadyCalls, textsOf } from '../test/sample-records.ts';
import { renderTimeline } from './timeline.ts';

const BLUE = '#0072B2';
const ORANGE = '#D55E00';

/** Where a bar begins and how wide it is, in pixels: vega draws it as `M x,y h width v height h -width Z`. */
function extent(path: string): { x: number; width: number } {
  const match = /d="M([-\d.]+),[-\d.]+h([-\d.]+)/.exec(path);
  return { x: Number(match?.[1]), width: Number(match?.[2]) };
}

describe('the timeline', () => {
  it('has a labelled lane for each worker and slot, a bar for each call, and an axis in seconds', async () => {
    const { svg } = await renderTimeline([
      call(0, 4, { workerId: 'worker-b', slot: 1 }),
      call(0, 2),
      call(2, 10, { slot: 3, outcome: 'error' }),
    ]);
    const texts = textsOf(svg);
    expect(texts.filter((text) => text.includes('slot '))).toEqual([
      'worker-b · slot 1',
      'worker-a · slot 0',
      'worker-a · slot 3',
    ]);
    expect(texts).toContain('seconds since the first submission');
    expect(texts).toEqual(expect.arrayContaining(['0', '5', '10', 'submitted', 'value', 'error', 'outcome']));
    expect(
      marksOf(svg, 'rect').filter((path) => path.includes(`fill="${BLUE}"`) || path.includes(`fill="${ORANGE}"`)),
    ).toHaveLength(
      // Three bars and one tick of submission; vega draws ticks as rectangles.
      4,
    );
  });

  it('draws bars from start to end, to scale', async () => {
    const { svg } = await renderTimeline([call(2, 4), call(5, 10, { slot: 1, outcome: 'error' })]);
    const failed = marksOf(svg, 'rect').filter((path) => path.includes(ORANGE));
    expect(failed.map(extent)).toEqual([{ x: 500, width: 500 }]);
  });

  it('says in its title which jobs, how many calls, how they ended, where and how long', async () => {
    const records = [call(0, 2), call(0, 4, { slot: 1, outcome: 'lost' }), call(2, 4, { outcome: 'timeout' })];
    const texts = textsOf((await renderTimeline(records)).svg);
    expect(texts).toContain('Timeline: resize');
    expect(texts.find((text) => text.includes('3 calls'))?.split(/\s+·\s+/)).toEqual([
      '3 calls',
      '1 value, 1 timeout, 1 lost',
      '2 slots on 1 worker',
      '4 s',
      '100 % busy',
    ]);
  });

  it('colours one job by outcome, several by job, or as it is told', async () => {
    const two = [call(0, 1, { jobName: 'first' }), call(1, 2, { jobName: 'second', outcome: 'error' })];
    expect(textsOf((await renderTimeline(two)).svg)).toEqual(expect.arrayContaining(['job', 'first', 'second']));
    expect(textsOf((await renderTimeline(two, { colorBy: 'outcome' })).svg)).toEqual(
      expect.arrayContaining(['value', 'error']),
    );
  });

  it('shows calls that took no time', async () => {
    const { svg } = await renderTimeline([call(0, 0), call(5, 5, { outcome: 'error' }), call(9, 10)]);
    const [failed] = marksOf(svg, 'rect').filter((path) => path.includes(ORANGE));
    expect(extent(failed as string).width).toBeGreaterThan(0.5);
  });

  it('marks each moment of submission once', async () => {
    const submittedAtMs = [0, 0, 0, 5000, 5000].map((ms) => 1_700_000_000_000 + ms);
    const { svg } = await renderTimeline(submittedAtMs.map((at, slot) => call(6, 10, { slot, submittedAtMs: at })));
    expect(marksOf(svg, 'rect')).toHaveLength(2 + 5);
  });

  it('labels as many lanes as have room', async () => {
    const lanes = textsOf((await renderTimeline(steadyCalls(1000, 160))).svg).filter((text) => text.includes('slot '));
    expect(lanes.length).toBeGreaterThan(20);
    expect(lanes.length).toBeLessThan(60);
  });

  it('survives names with markup, control characters and great length', async () => {
    const jobName = `<b>&"quoted"\u0000\uD800${'x'.repeat(500)}`;
    const { svg } = await renderTimeline([call(0, 1, { jobName, workerId: `<w>&${'y'.repeat(300)}` })]);
    expect(svg).not.toContain('<b>');
    expect(svg).not.toMatch(/[\u0000-\u0008\uD800]/);
    expect(textsOf(svg).every((text) => text.length < 200)).toBe(true);
  });
});

describe('a large timeline', () => {
  it('has a bar for each call up to 20,000, and bins above', async () => {
    const plain = await renderTimeline(steadyCalls(20_000, 32));
    const binned = await renderTimeline(steadyCalls(20_001, 32));
    expect(marksOf(plain.svg, 'rect')).toHaveLength(20_000 + 1);
    expect(marksOf(binned.svg, 'rect').length).toBeLessThan(20_000);
    expect(textsOf(binned.svg).join()).toContain('bins of');
    expect(textsOf(binned.svg)).toEqual(expect.arrayContaining(['busy, up to', '20%', '100%']));
  });

  it('groups lanes where there are too many for a row each', async () => {
    const { svg } = await renderTimeline(steadyCalls(5_000, 2_500));
    expect(textsOf(svg).join()).toContain('2,500 slots on 625 workers');
    expect(Number(/height="(\d+)"/.exec(svg)?.[1])).toBeLessThan(1_000);
  });

  it('of a million calls stays small', async () => {
    const { svg } = await renderTimeline(steadyCalls(1_000_000, 128, 0.1));
    expect(svg.length).toBeLessThan(3_000_000);
    expect(textsOf(svg).join()).toContain('1,000,000 calls');
  }, 60_000);
});
