/** The concurrency histogram: how many calls ran, and how many waited, over time. */
import type { TopLevelSpec } from 'vega-lite';
import type { CallRecord } from './call-record.ts';
import { tabulate, type CallTable } from './call-table.ts';
import { colorGroups, type ColorGroups } from './color-groups.ts';
import { changePoints, equalEdges, meanCounts, peakCount } from './interval-counts.ts';
import { drawChart, type Plot, type PlotOptions } from './plot.ts';
import { count, plural } from './text.ts';
import { CHART_WIDTH, CONFIG, TIME_TITLE, busyFacts, chartTitle } from './theme.ts';

/** Up to so many moments of change are drawn as they are; more are averaged over as many equal bins. */
const MAX_STRETCHES = 800;
const RUNNING_HEIGHT = 300;
const WAITING_HEIGHT = 130;

interface CountRow {
  readonly time: number;
  readonly calls: number;
  readonly group: string;
}

/**
 * Draws the number of calls running as an area, by job or outcome, over the number of calls waiting as a line.
 *
 * The two have scales of their own: a million calls may wait for thirty slots.
 * @throws InvalidArgumentError `ARGUMENT_INVALID` for no records, or impossible times.
 */
export async function renderHistogram(records: Iterable<CallRecord>, options: PlotOptions = {}): Promise<Plot> {
  const table = tabulate(records);
  return drawChart(histogramSpec(table, colorGroups(table, undefined)), options);
}

function histogramSpec(table: CallTable, colors: ColorGroups): TopLevelSpec {
  const edges = chooseEdges(table);
  const running = runningRows(table, colors, edges);
  const waiting = stepRows(edges, meanCounts(edges, table.submitted, table.started), 'waiting');
  const peak = peakCount(table.started, table.finished);
  const x = {
    field: 'time',
    type: 'quantitative' as const,
    scale: { domain: [0, table.endSeconds], nice: false },
  };
  return {
    config: CONFIG,
    title: chartTitle('Concurrency', table, [...busyFacts(table), `at most ${count(peak)} at once`]),
    spacing: 18,
    vconcat: [
      {
        width: CHART_WIDTH,
        height: RUNNING_HEIGHT,
        layer: [
          {
            data: { values: running },
            mark: { type: 'area', interpolate: 'step-after' },
            encoding: {
              x: { ...x, axis: { title: null, labels: false, ticks: false, tickCount: 10 } },
              y: {
                field: 'calls',
                type: 'quantitative' as const,
                stack: 'zero',
                axis: countAxis('calls running', peak),
              },
              color: {
                field: 'group',
                type: 'nominal' as const,
                scale: { domain: [...colors.names], range: [...colors.colors] },
                legend: { title: colors.title },
              },
              order: { field: 'order', type: 'quantitative' as const },
            },
          },
          ...capacityLine(table),
        ],
      },
      {
        width: CHART_WIDTH,
        height: WAITING_HEIGHT,
        data: { values: waiting },
        mark: { type: 'line', interpolate: 'step-after', color: '#3B3B3B', strokeWidth: 1.5 },
        encoding: {
          x: { ...x, axis: { title: TIME_TITLE, tickCount: 10 } },
          y: {
            field: 'calls',
            type: 'quantitative' as const,
            scale: { domainMin: 0, domainMax: Math.max(1, ...waiting.map(({ calls }) => calls)) },
            axis: countAxis('calls waiting', Math.max(...waiting.map(({ calls }) => calls))),
          },
        },
      },
    ],
  };
}

/** Whole numbers only: no half calls on the axis. */
function countAxis(title: string, most: number) {
  return { title, format: ',d', tickCount: Math.max(1, Math.min(6, Math.ceil(most))), tickMinStep: 1 };
}

/** A dashed line at the number of slots, which is what could have run at once. */
function capacityLine({ lanes }: CallTable) {
  const at = { values: [{ slots: lanes.length, text: plural(lanes.length, 'slot') }] };
  const y = { field: 'slots', type: 'quantitative' as const } as const;
  return [
    {
      data: at,
      mark: { type: 'rule' as const, strokeDash: [5, 4], color: '#3B3B3B', strokeWidth: 1 },
      encoding: { y },
    },
    {
      data: at,
      mark: {
        type: 'text' as const,
        align: 'right' as const,
        baseline: 'bottom' as const,
        dy: -4,
        fontSize: 11,
        color: '#1A1A1A',
      },
      encoding: { y, x: { value: CHART_WIDTH - 4 }, text: { field: 'text' } },
    },
  ];
}

function chooseEdges(table: CallTable): Float64Array {
  const exact = changePoints([table.submitted, table.started, table.finished], MAX_STRETCHES);
  return exact !== undefined && exact.length > 1 ? exact : equalEdges(table.endSeconds, MAX_STRETCHES);
}

function runningRows(table: CallTable, colors: ColorGroups, edges: Float64Array): (CountRow & { order: number })[] {
  return colors.names.flatMap((group, order) => {
    const counts = meanCounts(edges, table.started, table.finished, (call) => colors.groupOf(call) === order);
    return stepRows(edges, counts, group).map((row) => ({ ...row, order }));
  });
}

/** One row for each stretch, and one more that holds the last count to the end. */
function stepRows(edges: Float64Array, counts: Float64Array, group: string): CountRow[] {
  return Array.from(edges, (time, index) => ({
    time,
    calls: counts[Math.min(index, counts.length - 1)] as number,
    group,
  }));
}
