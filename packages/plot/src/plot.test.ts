import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textMetrics } from 'vega';
import { Resvg } from '@resvg/resvg-js';
import { describe, expect, it } from 'vitest';
import { call, steadyCalls } from '../test/sample-records.ts';
import { FONT_FILES, rasterize } from './plot.ts';
import { textWidth } from './text-widths.ts';
import { renderTimeline } from './timeline.ts';
import { writePlots } from './write-plots.ts';

/** Width and height of a PNG, from its header. */
function sizeOf(png: Uint8Array): [number, number] {
  expect(Buffer.from(png.subarray(0, 8)).toString('latin1')).toBe('\x89PNG\r\n\x1A\n');
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

describe('a PNG', () => {
  it('has the size of the SVG times the pixel ratio', async () => {
    const { svg } = await renderTimeline([call(0, 1)]);
    const size = ['width', 'height'].map((name) => Number(new RegExp(`<svg[^>]* ${name}="(\\d+)"`).exec(svg)?.[1]));
    for (const pixelRatio of [1, 2]) {
      const png = (await renderTimeline([call(0, 1)], { pixelRatio })).png();
      expect(sizeOf(png)).toEqual(size.map((length) => length * pixelRatio));
    }
  });

  it('shows the text: the shipped font is found', async () => {
    const plot = await renderTimeline([call(0, 1)]);
    const silent = rasterize(plot.svg.replaceAll(/<text.*?<\/text>/gs, ''), 2);
    expect(Buffer.compare(plot.png(), silent)).not.toBe(0);
  });
});

describe('the layout of text', () => {
  it('knows how wide the shipped font is', () => {
    for (const [text, bold] of [
      ['seconds since the first submission', false],
      ['Timeline: WAVE, mill (x) and 3 more', true],
    ] as const) {
      const weight = bold ? ' font-weight="bold"' : '';
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="50"><text y="30" font-size="20" font-family="DejaVu Sans"${weight}>${text}</text></svg>`;
      const drawn = new Resvg(svg, { font: { loadSystemFonts: false, fontFiles: FONT_FILES } }).getBBox()?.width ?? 0;
      expect(Math.abs(textWidth(text, 20, bold) - drawn)).toBeLessThan(0.03 * drawn);
    }
  });

  it('leaves vega as it was, also when pictures are drawn side by side', async () => {
    const before = textMetrics.width;
    await Promise.all([
      renderTimeline([call(0, 1)]),
      renderTimeline(steadyCalls(100, 4)),
      renderTimeline([call(0, 2)]),
    ]);
    expect(textMetrics.width).toBe(before);
  });
});

describe('writing', () => {
  it('makes the folder and the four files, and says where they are', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'splitrock-plot-'));
    try {
      const folder = join(directory, 'not', 'yet', 'there');
      const paths = await writePlots(steadyCalls(20, 4), { directory: folder, name: 'abc-1' });
      expect((await readdir(folder)).toSorted()).toEqual([
        'abc-1-concurrency.png',
        'abc-1-concurrency.svg',
        'abc-1-timeline.png',
        'abc-1-timeline.svg',
      ]);
      expect(await readFile(paths.timelineSvg, 'utf8')).toContain('Timeline: resize');
      expect(await readFile(paths.concurrencySvg, 'utf8')).toContain('Concurrency: resize');
      for (const path of [paths.timelinePng, paths.concurrencyPng])
        expect(sizeOf(await readFile(path))[0]).toBeGreaterThan(2000);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it.each(['', 'a/b', String.raw`a\b`])('refuses the name %j', async (name) => {
    await expect(writePlots([call(0, 1)], { directory: tmpdir(), name })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    });
  });

  it('refuses no records before it writes anything', async () => {
    const directory = join(tmpdir(), 'splitrock-plot-never-made');
    await expect(writePlots([], { directory, name: 'x' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(readdir(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
