/** Rows of the timeline: how high, and which of them have room for a label. */
import type { CallTable } from './call-table.ts';
import { label } from './text.ts';

export interface TimelineLayout {
  readonly rowHeight: number;
  /** Every row's name, from top to bottom; all different. */
  readonly rows: readonly string[];
  /** The rows whose names are written. */
  readonly labelled: readonly string[];
}

const MAX_ROW_HEIGHT = 26;
const MIN_ROW_HEIGHT = 3;
const TARGET_HEIGHT = 620;
const LABEL_HEIGHT = 13;
const MAX_WORKER_LABEL = 24;

/** @param lanesPerRow neighbouring lanes that share a row; such a row is named after the first of them. */
export function layOutTimeline({ lanes }: CallTable, lanesPerRow: number): TimelineLayout {
  const names = uniqueWorkerLabels(lanes.map(({ workerId }) => workerId));
  const rows: string[] = [];
  for (let lane = 0; lane < lanes.length; lane += lanesPerRow) {
    rows.push(`${names[lane]} · slot ${lanes[lane]?.slot}`);
  }
  const rowHeight = Math.min(MAX_ROW_HEIGHT, Math.max(MIN_ROW_HEIGHT, Math.floor(TARGET_HEIGHT / rows.length)));
  const every = Math.ceil(LABEL_HEIGHT / rowHeight);
  return { rowHeight, rows, labelled: rows.filter((_, row) => row % every === 0) };
}

/** Shortened ids; ones that became equal when they were shortened stay whole. */
function uniqueWorkerLabels(workerIds: readonly string[]): string[] {
  const shortened = new Map<string, string>();
  for (const id of workerIds) shortened.set(id, label(id, MAX_WORKER_LABEL));
  const unambiguous = new Set(shortened.values()).size === shortened.size;
  return workerIds.map((id) => (unambiguous ? (shortened.get(id) as string) : id));
}
