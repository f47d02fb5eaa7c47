/**
 * Lays text out by the widths of the shipped font.
 *
 * Without a canvas vega takes every character as 0.8 em wide, which leaves a third of a picture empty beside a long
 * title and pulls legends apart. It takes a function of ours instead: `textMetrics.width`, which belongs to the whole
 * process, so it is ours only while pictures are laid out.
 */
import { textMetrics } from 'vega';

declare module 'vega' {
  /** Not in vega's types: https://github.com/vega/vega/tree/main/packages/vega-scenegraph#textmetrics */
  export const textMetrics: { width: (item: TextItem, text: string | number | null | undefined) => number };
}

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
}

/** Advance widths of the characters from space to tilde, in thousandths of an em. */
const REGULAR = [
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
  636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
  748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
  615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
  337, 636, 838,
];
const BOLD = [
  348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696, 696, 696,
  696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995,
  837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716,
  678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712,
  365, 712, 838,
];
/** For all other characters: ideographs and emoji are as wide as they are high, most letters are not. */
const WIDE = 1000;
const OTHER = 650;
const FIRST_WIDE = 0x2e80;
const DEFAULT_FONT_SIZE = 11;

export function textWidth(text: string, fontSize: number, bold: boolean): number {
  const widths = bold ? BOLD : REGULAR;
  let thousandths = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    thousandths += widths[code - 32] ?? (code >= FIRST_WIDE ? WIDE : OTHER);
  }
  return (thousandths * fontSize) / 1000;
}

let layingOut = 0;
let before: typeof textMetrics.width | undefined;

/** Runs a layout with our widths; several may run at once. */
export async function withTextWidths<T>(layOut: () => Promise<T>): Promise<T> {
  if (layingOut === 0) {
    before = textMetrics.width;
    textMetrics.width = ({ fontSize = DEFAULT_FONT_SIZE, fontWeight }, text) =>
      textWidth(String(text ?? '').trim(), fontSize, fontWeight === 'bold');
  }
  layingOut += 1;
  try {
    return await layOut();
  } finally {
    layingOut -= 1;
    if (layingOut === 0 && before !== undefined) textMetrics.width = before;
  }
}
