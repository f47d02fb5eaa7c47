/**
 * Call records as columns: a million calls take 33 MB here, whatever the records themselves took.
 *
 * Times are seconds since the first submission (or the first start, where a worker's clock runs ahead of it).
 */
import { InvalidArgumentError } from '@splitrock/core/plugin';
import { OUTCOMES, type CallRecord } from './call-record.ts';

/** One lane of the timeline. */
export interface Lane {
  readonly workerId: string;
  readonly slot: number;
}

export interface CallTable {
  readonly size: number;
  readonly submitted: Float64Array;
  readonly started: Float64Array;
  readonly finished: Float64Array;
  /** Index into {@link jobNames}. */
  readonly job: Uint32Array;
  /** Index into `OUTCOMES`. */
  readonly outcome: Uint8Array;
  /** Index into {@link lanes}. */
  readonly lane: Uint32Array;
  readonly jobNames: readonly string[];
  /** By worker in the order in which they first appear, then by slot. */
  readonly lanes: readonly Lane[];
  readonly workers: number;
  /** When the last call ended; more than 0. */
  readonly endSeconds: number;
}

const MIN_SPAN_SECONDS = 0.001;

/** @throws InvalidArgumentError `ARGUMENT_INVALID` for no records, or one with impossible times. */
export function tabulate(records: Iterable<CallRecord>): CallTable {
  const rows = Array.isArray(records) ? (records as readonly CallRecord[]) : [...records];
  if (rows.length === 0) throw invalid('There are no calls to draw; wait until at least one has ended.');
  const origin = findOrigin(rows);
  const laneOf = orderLanes(rows);
  const jobs = new Map<string, number>();
  const table = {
    size: rows.length,
    submitted: new Float64Array(rows.length),
    started: new Float64Array(rows.length),
    finished: new Float64Array(rows.length),
    job: new Uint32Array(rows.length),
    outcome: new Uint8Array(rows.length),
    lane: new Uint32Array(rows.length),
  };
  let end = MIN_SPAN_SECONDS;
  for (const [index, row] of rows.entries()) {
    table.submitted[index] = (row.submittedAtMs - origin) / 1000;
    table.started[index] = (row.startedAtMs - origin) / 1000;
    const finished = (row.finishedAtMs - origin) / 1000;
    table.finished[index] = finished;
    end = Math.max(end, finished);
    table.job[index] = indexOf(jobs, row.jobName);
    table.outcome[index] = OUTCOMES.indexOf(row.outcome);
    table.lane[index] = laneOf.index(row);
  }
  return { ...table, jobNames: [...jobs.keys()], lanes: laneOf.lanes, workers: laneOf.workers, endSeconds: end };
}

/** Checks all times on the way. */
function findOrigin(rows: readonly CallRecord[]): number {
  let origin = Infinity;
  for (const row of rows) {
    const { submittedAtMs, startedAtMs, finishedAtMs } = row;
    const finite = Number.isFinite(submittedAtMs) && Number.isFinite(startedAtMs) && Number.isFinite(finishedAtMs);
    if (!finite || finishedAtMs < startedAtMs || finishedAtMs < submittedAtMs - CLOCK_DIFFERENCE_MS) {
      throw invalid(
        `Call record has impossible times [job=${row.jobName}, call=${row.callId}, submittedAtMs=${submittedAtMs}, ` +
          `startedAtMs=${startedAtMs}, finishedAtMs=${finishedAtMs}]; a call ends after it starts.`,
      );
    }
    origin = Math.min(origin, submittedAtMs, startedAtMs);
  }
  return origin;
}

/** How far apart the clocks of client and workers may be before a record counts as nonsense. */
const CLOCK_DIFFERENCE_MS = 24 * 3_600_000;

interface LaneOrder {
  readonly lanes: readonly Lane[];
  readonly workers: number;
  index(row: CallRecord): number;
}

function orderLanes(rows: readonly CallRecord[]): LaneOrder {
  const slotsOf = new Map<string, Map<number, number>>();
  for (const { workerId, slot } of rows) {
    let slots = slotsOf.get(workerId);
    if (slots === undefined) slotsOf.set(workerId, (slots = new Map()));
    slots.set(slot, 0);
  }
  const lanes: Lane[] = [];
  for (const [workerId, slots] of slotsOf) {
    for (const slot of [...slots.keys()].toSorted((left, right) => left - right)) {
      slots.set(slot, lanes.length);
      lanes.push({ workerId, slot });
    }
  }
  return { lanes, workers: slotsOf.size, index: ({ workerId, slot }) => slotsOf.get(workerId)?.get(slot) ?? 0 };
}

function indexOf(names: Map<string, number>, name: string): number {
  let index = names.get(name);
  if (index === undefined) {
    index = names.size;
    names.set(name, index);
  }
  return index;
}

const invalid = (message: string): InvalidArgumentError => new InvalidArgumentError('ARGUMENT_INVALID', message);
