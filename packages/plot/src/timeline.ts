/** The timeline: every call as a bar in the lane of the slot that ran it. */
import type { TopLevelSpec } from 'vega-lite';
import type { CallRecord } from './call-record.ts';
import { tabulate, type CallTable } from './call-table.ts';
import { colorGroups, type ColorBy, type ColorGroups } from './color-groups.ts';
import { drawChart, type Plot, type PlotOptions } from './plot.ts';
import { submissionTicks } from './submission-ticks.ts';
import { duration } from './text.ts';
import { CHART_WIDTH, CONFIG, TIME_TITLE, busyFacts, chartTitle } from './theme.ts';
import { BUSY_STEPS, busyGrid, busyRuns, gridShape } from './timeline-bins.ts';
import { layOutTimeline, type TimelineLayout } from './timeline-layout.ts';

export interface TimelineOptions extends PlotOptions {
  /** What colours tell apart. @defaultValue `job` for several jobs, `outcome` for one */
  readonly colorBy?: ColorBy;
}

/** More bars than this are neither told apart by the eye nor carried easily by an SVG. */
const MAX_BARS = 20_000;
const MAX_LANES = 200;
const SUBMITTED = 'submitted';
const SUBMITTED_HEIGHT = 12;
/** A bar is drawn at least this wide, so that none is invisible. */
const MIN_BAR_SECONDS = (table: CallTable): number => (0.75 * table.endSeconds) / CHART_WIDTH;
/** Bars at least this wide on average, in pixels, are parted by a thin white line. */
const PARTED_FROM = 5;

interface TimelineBar {
  readonly lane: string;
  readonly start: number;
  readonly end: number;
  readonly group: string;
  /** How much of the time was busy; 1 for a single call. */
  readonly share: number;
}

/**
 * Draws when and where each call ran, with ticks for the moments of submission.
 *
 * More than 20,000 calls, or 200 slots, are drawn in bins: the darker, the busier.
 * @throws InvalidArgumentError `ARGUMENT_INVALID` for no records, or impossible times.
 */
export async function renderTimeline(records: Iterable<CallRecord>, options: TimelineOptions = {}): Promise<Plot> {
  const table = tabulate(records);
  const colors = colorGroups(table, options.colorBy);
  const binned = table.size > MAX_BARS || table.lanes.length > MAX_LANES;
  return drawChart(binned ? binnedTimeline(table, colors) : plainTimeline(table, colors), options);
}

function plainTimeline(table: CallTable, colors: ColorGroups): TopLevelSpec {
  const layout = layOutTimeline(table, 1);
  const atLeast = MIN_BAR_SECONDS(table);
  const bars = Array.from({ length: table.size }, (_, call): TimelineBar => {
    const start = table.started[call] as number;
    return {
      lane: layout.rows[table.lane[call] as number] as string,
      start,
      end: Math.max(table.finished[call] as number, start + atLeast),
      group: colors.names[colors.groupOf(call)] as string,
      share: 1,
    };
  });
  return timelineSpec(table, colors, layout, { bars, facts: busyFacts(table), binned: false });
}

function binnedTimeline(table: CallTable, colors: ColorGroups): TopLevelSpec {
  const shape = gridShape(table.lanes.length);
  const layout = layOutTimeline(table, shape.lanesPerRow);
  const runs = busyRuns(busyGrid(table, colors, shape), table.lanes.length);
  const bars = runs.map(({ row, start, end, group, share }): TimelineBar => ({
    lane: layout.rows[row] as string,
    start,
    end,
    group: colors.names[group] as string,
    share,
  }));
  const facts = [...busyFacts(table), `bins of ${duration(table.endSeconds / shape.bins)}`];
  return timelineSpec(table, colors, layout, { bars, facts, binned: true });
}

interface TimelineContent {
  readonly bars: readonly TimelineBar[];
  readonly facts: readonly string[];
  readonly binned: boolean;
}

function timelineSpec(
  table: CallTable,
  colors: ColorGroups,
  layout: TimelineLayout,
  { bars, facts, binned }: TimelineContent,
): TopLevelSpec {
  const pixelsPerBar = (CHART_WIDTH * layout.rows.length) / bars.length;
  const time = { type: 'quantitative' as const, scale: { domain: [0, table.endSeconds], nice: false } };
  const color = {
    field: 'group',
    type: 'nominal' as const,
    scale: { domain: [...colors.names], range: [...colors.colors] },
    legend: { title: colors.title },
  };
  const lanes = {
    field: 'lane',
    type: 'nominal' as const,
    scale: { domain: [...layout.rows], paddingInner: layout.rowHeight > 8 ? 0.16 : 0, paddingOuter: 0 },
    axis: { title: null, values: [...layout.labelled], ticks: false, domain: false },
  };
  return {
    config: CONFIG,
    title: chartTitle('Timeline', table, facts),
    spacing: 6,
    resolve: { scale: { color: 'shared' } },
    vconcat: [
      {
        width: CHART_WIDTH,
        height: SUBMITTED_HEIGHT,
        data: { values: submissionTicks(table, colors).map((tick) => ({ ...tick, lane: SUBMITTED })) },
        mark: { type: 'tick', thickness: 1.5, bandSize: SUBMITTED_HEIGHT, opacity: 1 },
        encoding: {
          y: { field: 'lane', type: 'nominal', axis: { title: null, ticks: false, domain: false } },
          x: { ...time, field: 'time', axis: null },
          color,
        },
      },
      {
        width: CHART_WIDTH,
        height: { step: layout.rowHeight },
        data: { values: [...bars] },
        mark: {
          type: 'rect',
          ...(pixelsPerBar >= PARTED_FROM && !binned ? { stroke: 'white', strokeWidth: 0.6 } : {}),
        },
        encoding: {
          y: lanes,
          x: { ...time, field: 'start', axis: { title: TIME_TITLE, tickCount: 10 } },
          x2: { field: 'end' },
          color,
          ...(binned ? { opacity: BUSY_OPACITY } : {}),
        },
      },
    ],
  };
}

const steps = Array.from({ length: BUSY_STEPS }, (_, index) => (index + 1) / BUSY_STEPS);

const BUSY_OPACITY = {
  field: 'share',
  type: 'ordinal' as const,
  scale: { type: 'ordinal' as const, domain: steps, range: steps },
  legend: { title: 'busy, up to', format: '.0%' },
};
