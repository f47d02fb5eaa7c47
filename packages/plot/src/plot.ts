/** Turns a chart specification into a picture. */
import { fileURLToPath } from 'node:url';
import { Resvg } from '@resvg/resvg-js';
import { View, parse } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { withTextWidths } from './text-widths.ts';

export interface Plot {
  readonly svg: string;
  /** Draws the picture as PNG. Takes a few tens of milliseconds; nothing is kept. */
  png(): Uint8Array;
}

export interface PlotOptions {
  /** Pixels of the PNG for each unit of the SVG, from 0.5 to 4. @defaultValue 2, for sharp text on any screen */
  readonly pixelRatio?: number;
}

/** Shipped with the package: without a font file the renderer draws no text, and says nothing. */
export const FONT = 'DejaVu Sans';
/** Scripts that the shipped font lacks; the system's fonts are looked through only for them, for that takes a while. */
const BEYOND_OUR_FONT = /[\u2E80-\uD7FF\u{F900}-\u{10FFFF}]/u;
export const FONT_FILES = [
  fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')),
  fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf')),
];

export async function drawChart(spec: TopLevelSpec, { pixelRatio = 2 }: PlotOptions): Promise<Plot> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  let svg: string;
  try {
    svg = await withTextWidths(() => view.toSVG());
  } finally {
    view.finalize();
  }
  return { svg, png: () => rasterize(svg, Math.min(4, Math.max(0.5, pixelRatio))) };
}

/** Draws an SVG as PNG, `zoom` pixels for each of its units. */
export function rasterize(svg: string, zoom: number): Uint8Array {
  const renderer = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: zoom },
    background: 'white',
    font: {
      loadSystemFonts: BEYOND_OUR_FONT.test(svg),
      fontFiles: FONT_FILES,
      defaultFontFamily: FONT,
      sansSerifFamily: FONT,
    },
  });
  return renderer.render().asPng();
}
