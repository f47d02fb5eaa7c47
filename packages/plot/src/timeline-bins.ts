/**
 * The timeline of more calls than can be told apart: for each lane (or group of neighbouring lanes) and each bin of
 * time, what share of it was busy, and with what most of all. The number of marks is bounded, whatever the job.
 */
import type { CallTable } from './call-table.ts';
import type { ColorGroups } from './color-groups.ts';
import { equalEdges, stretchAt } from './interval-counts.ts';

/** How busy each cell was: slot-seconds by group, row and bin. */
export interface BusyGrid {
  readonly rows: number;
  readonly bins: number;
  readonly groups: number;
  readonly lanesPerRow: number;
  readonly edges: Float64Array;
  /** At `(group * rows + row) * bins + bin`. */
  readonly busySeconds: Float64Array;
}

/** Neighbouring cells that look the same. */
export interface BusyRun {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly group: number;
  /** A step of {@link BUSY_STEPS}: how much of the time was busy, rounded up. */
  readonly share: number;
}

export const BUSY_STEPS = 5;

export interface GridShape {
  readonly rows: number;
  readonly bins: number;
  readonly lanesPerRow: number;
}

const MAX_CELLS = 20_000;
const MAX_ROWS = 200;
const MAX_BINS = 1_000;

export function gridShape(lanes: number): GridShape {
  const lanesPerRow = Math.ceil(lanes / MAX_ROWS);
  const rows = Math.ceil(lanes / lanesPerRow);
  return { rows, lanesPerRow, bins: Math.min(MAX_BINS, Math.floor(MAX_CELLS / rows)) };
}

/** Each call costs two searches, however many bins it covers: whole bins are counted by differences. */
export function busyGrid(table: CallTable, colors: ColorGroups, shape: GridShape): BusyGrid {
  const { rows, bins, lanesPerRow } = shape;
  const groups = colors.names.length;
  const edges = equalEdges(table.endSeconds, bins);
  const busySeconds = new Float64Array(groups * rows * bins);
  const whole = new Int32Array(busySeconds.length + 1);
  const add = (cell: number, seconds: number): void => {
    busySeconds[cell] = (busySeconds[cell] as number) + seconds;
  };
  for (let call = 0; call < table.size; call += 1) {
    const from = table.started[call] as number;
    const to = table.finished[call] as number;
    const row = Math.floor((table.lane[call] as number) / lanesPerRow);
    const line = (colors.groupOf(call) * rows + row) * bins;
    const first = stretchAt(edges, from);
    const last = stretchAt(edges, to);
    if (first === last) {
      add(line + first, to - from);
      continue;
    }
    add(line + first, (edges[first + 1] as number) - from);
    add(line + last, to - (edges[last] as number));
    whole[line + first + 1] = (whole[line + first + 1] as number) + 1;
    whole[line + last] = (whole[line + last] as number) - 1;
  }
  let covering = 0;
  for (const cell of busySeconds.keys()) {
    // Every line's differences add up to nothing, so the sum may run on from line to line.
    covering += whole[cell] as number;
    const bin = cell % bins;
    add(cell, covering * ((edges[bin + 1] as number) - (edges[bin] as number)));
  }
  return { rows, bins, groups, lanesPerRow, edges, busySeconds };
}

/** What to draw: one rectangle for each run of neighbouring bins with the same group and step. */
export function busyRuns(grid: BusyGrid, lanes: number): BusyRun[] {
  const runs: BusyRun[] = [];
  for (let row = 0; row < grid.rows; row += 1) {
    const lanesHere = Math.min(grid.lanesPerRow, lanes - row * grid.lanesPerRow);
    let open: BusyRun | undefined;
    for (let bin = 0; bin < grid.bins; bin += 1) {
      const { group, share } = describeCell(grid, row, bin, lanesHere);
      const end = grid.edges[bin + 1] as number;
      if (open !== undefined && open.group === group && open.share === share) {
        open = { ...open, end };
        continue;
      }
      if (open !== undefined && open.share > 0) runs.push(open);
      open = { row, start: grid.edges[bin] as number, end, group, share };
    }
    if (open !== undefined && open.share > 0) runs.push(open);
  }
  return runs;
}

function describeCell(grid: BusyGrid, row: number, bin: number, lanes: number): { group: number; share: number } {
  let total = 0;
  let most = 0;
  let group = 0;
  for (let candidate = 0; candidate < grid.groups; candidate += 1) {
    const busy = grid.busySeconds[(candidate * grid.rows + row) * grid.bins + bin] as number;
    total += busy;
    if (busy > most) [most, group] = [busy, candidate];
  }
  const length = (grid.edges[bin + 1] as number) - (grid.edges[bin] as number);
  const share = Math.min(1, total / (length * lanes));
  // A breath of rounding must not lift a cell that was exactly full, or half full, to the next step.
  return { group, share: total === 0 ? 0 : Math.max(1, Math.ceil(share * BUSY_STEPS - 1e-9)) / BUSY_STEPS };
}
