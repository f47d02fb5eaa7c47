/** The look that all pictures share: dark text on white, light grid, one font. */
import type { Config } from 'vega-lite';
import type { CallTable } from './call-table.ts';
import { OUTCOMES } from './call-record.ts';
import { FONT } from './plot.ts';
import { count, duration, label, plural } from './text.ts';

const TEXT = '#1A1A1A';
const SOFT_TEXT = '#4D4D4D';
const GRID = '#E3E3E3';
const FAMILY = `${FONT}, Verdana, sans-serif`;

export const CHART_WIDTH = 1_000;
export const TIME_TITLE = 'seconds since the first submission';
const MAX_NAMES = 3;
const MAX_NAME_LENGTH = 28;

/** Keeps two legends in one line apart. Vega knows it (config: legend.layout), vega-lite's types do not. */
const LEGEND_DISTANCE: object = { layout: { top: { anchor: 'start', direction: 'horizontal', margin: 32 } } };

export const CONFIG: Config = {
  background: 'white',
  font: FAMILY,
  padding: 16,
  // Accessible names on each of thousands of bars double the file and tell nothing.
  aria: false,
  view: { stroke: null },
  axis: {
    labelColor: SOFT_TEXT,
    titleColor: TEXT,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 10,
    labelPadding: 5,
    // Names are shortened before; vega would cut them at 180 pixels.
    labelLimit: 0,
    labelFlush: false,
    domainColor: '#8A8A8A',
    tickColor: '#8A8A8A',
    gridColor: GRID,
  },
  legend: {
    labelColor: TEXT,
    titleColor: SOFT_TEXT,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    orient: 'top',
    direction: 'horizontal',
    titleOrient: 'left',
    symbolType: 'square',
    symbolStrokeWidth: 0,
    labelLimit: 0,
    columnPadding: 24,
    titlePadding: 12,
    ...LEGEND_DISTANCE,
  },
};

/** The jobs' names over a line of totals. */
export function chartTitle(what: string, table: CallTable, facts: readonly string[]) {
  return {
    text: `${what}: ${jobTitle(table.jobNames)}`,
    subtitle: [plural(table.size, 'call'), outcomeTotals(table), ...facts].filter((text) => text !== '').join('  ·  '),
    anchor: 'start' as const,
    frame: 'group' as const,
    color: TEXT,
    fontSize: 17,
    fontWeight: 'bold' as const,
    subtitleColor: SOFT_TEXT,
    subtitleFontSize: 12,
    subtitlePadding: 6,
    offset: 14,
  };
}

function jobTitle(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => label(name, MAX_NAME_LENGTH));
  return names.length > MAX_NAMES
    ? `${shown.join(', ')} and ${count(names.length - MAX_NAMES)} more`
    : shown.join(', ');
}

/** `998 values, 2 errors`; nothing when all went well. */
function outcomeTotals({ outcome }: CallTable): string {
  const totals = OUTCOMES.map(() => 0);
  for (const index of outcome) totals[index] = (totals[index] as number) + 1;
  const [values, errors, timeouts, lost, cancelled] = totals as [number, number, number, number, number];
  if (values === outcome.length) return 'all with a value';
  const parts = [
    values > 0 ? plural(values, 'value') : '',
    errors > 0 ? plural(errors, 'error') : '',
    timeouts > 0 ? plural(timeouts, 'timeout') : '',
    lost > 0 ? `${count(lost)} lost` : '',
    cancelled > 0 ? `${count(cancelled)} cancelled` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Total time in calls over what the slots could have worked. */
export function busyFacts(table: CallTable): string[] {
  let busy = 0;
  for (let call = 0; call < table.size; call += 1) {
    busy += (table.finished[call] as number) - (table.started[call] as number);
  }
  return [
    `${plural(table.lanes.length, 'slot')} on ${plural(table.workers, 'worker')}`,
    duration(table.endSeconds),
    `${Math.min(100, Math.round((100 * busy) / (table.lanes.length * table.endSeconds)))} % busy`,
  ];
}
