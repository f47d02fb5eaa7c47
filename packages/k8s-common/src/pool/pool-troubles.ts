/** All that keeps a pool from what is wanted of it now, worst first. Pure. */
import type { Trouble } from '../diagnosis/diagnosis-codes.ts';
import { formatBytes, formatCpu } from '../quantities/quantity.ts';
import type { NodeRoom } from '../sizing/node-room.ts';
import { fixedWorkerSize } from '../sizing/worker-size.ts';
import { hasRoom, type PoolOptions, type Worker } from './growth.ts';
import type { PendingPod } from './pods-seen.ts';
import { MAX_START_FAILURES, type StartFailures } from './start-failures.ts';
import type { TroubleNow } from './told-troubles.ts';

/** A trouble that passes sooner is none: an image being pulled by another pod, a node that has just become free. */
const PASSING_MS = 1_500;
/** A pod that is silent for so long is asked for its events. */
const SILENT_MS = 2_500;
/** Whoever waits is told at the latest now, even if nothing is known to be wrong. */
const SLOW_MS = 8_000;
const MAX_NODES_TOLD = 10;

export interface PoolSituation {
  readonly nowMs: number;
  /** Whether anything waits for workers. */
  readonly isWanted: boolean;
  readonly demandSinceMs: number;
  readonly live: readonly Worker[];
  readonly runningCount: number;
  readonly pending: readonly PendingPod[];
  readonly rooms: readonly NodeRoom[] | undefined;
  readonly options: PoolOptions;
  readonly failures: Pick<StartFailures, 'inARow' | 'last'>;
  readonly incidents: readonly Trouble[];
  readonly apiTrouble: Trouble | undefined;
  readonly refusal: Trouble | undefined;
}

/** Whether a pod's events may say what the pod itself does not. */
export const isExaminable = ({ pod, pendingMs }: PendingPod): boolean =>
  pendingMs >= SILENT_MS && (pod.trouble === undefined || pod.trouble.code === 'WORKER_VOLUME_FAILED');

export function poolTroubles(situation: PoolSituation): readonly TroubleNow[] {
  if (!situation.isWanted) return [];
  const { apiTrouble, refusal, incidents, runningCount } = situation;
  const blocking = [
    ...(apiTrouble === undefined ? [] : [apiTrouble]),
    ...(refusal === undefined ? [] : [refusal]),
    ...podTroubles(situation),
    ...roomTrouble(situation),
  ];
  // Nothing runs until someone acts, unless others of the pool do run.
  const severity = runningCount > 0 ? ('warning' as const) : ('error' as const);
  const failed = failureTrouble(situation);
  return [
    ...blocking.map((trouble) => ({ ...trouble, severity })),
    ...failed,
    ...incidents.map((trouble) => ({ ...trouble, severity: 'warning' as const })),
    ...(blocking.length + failed.length > 0 ? [] : slowTrouble(situation)),
  ];
}

/** One of each code: a hundred pods that cannot pull one image are one trouble. */
function podTroubles(situation: PoolSituation): readonly Trouble[] {
  const stuck = situation.pending.filter(({ pod, pendingMs }) => pod.trouble !== undefined && pendingMs >= PASSING_MS);
  const byCode = new Map<string, { readonly trouble: Trouble; count: number }>();
  for (const { pod } of stuck) {
    if (pod.trouble === undefined) continue;
    const known = byCode.get(pod.trouble.code);
    if (known === undefined) byCode.set(pod.trouble.code, { trouble: pod.trouble, count: 1 });
    else known.count += 1;
  }
  return [...byCode.values()].map(({ trouble, count }) => {
    const more = count === 1 ? '' : ` (and ${count - 1} more pods)`;
    const told = { ...trouble, message: `${trouble.message}${more}` };
    return trouble.code === 'POOL_UNSCHEDULABLE' ? withRoom(told, situation) : told;
  });
}

/** Beside the scheduler's words what a worker asks for, and what the nodes have where that is known. */
function withRoom(trouble: Trouble, { options, rooms }: PoolSituation): Trouble {
  const asked = options.sizing.kind === 'fixed' ? fixedWorkerSize(options.sizing, options).requests : undefined;
  const words = asked === undefined ? '' : `; a worker asks for ${roomText(asked)}`;
  const nodes = rooms === undefined ? {} : { nodes: nodeTexts(rooms) };
  return { ...trouble, message: `${trouble.message}${words}`, details: { ...trouble.details, ...nodes } };
}

function roomTrouble({ live, rooms, options }: PoolSituation): readonly Trouble[] {
  if (live.length > 0 || rooms === undefined || hasRoom(live, rooms, options)) return [];
  const message =
    rooms.length === 0
      ? 'the cluster has no nodes'
      : `no node has room for a worker: ${nodeTexts(rooms).slice(0, 3).join(', ')}`;
  return [{ code: 'POOL_NO_ROOM', message, details: { nodes: nodeTexts(rooms) } }];
}

function failureTrouble({ failures }: PoolSituation): readonly TroubleNow[] {
  const { inARow, last } = failures;
  if (last === undefined) return [];
  const hasGivenUp = inARow >= MAX_START_FAILURES;
  const times = inARow === 1 ? '' : `, ${inARow} times in a row`;
  const code = last.reason.kind === 'out-of-memory' ? 'WORKER_OUT_OF_MEMORY' : 'WORKER_START_FAILED';
  const { message, ...facts } = last.reason;
  const log = last.log === undefined ? {} : { log: last.log };
  const severity = hasGivenUp ? ('error' as const) : ('warning' as const);
  return [{ code, severity, message: `${message}${times}`, details: { ...facts, ...log } }];
}

function slowTrouble({ nowMs, demandSinceMs, runningCount, pending }: PoolSituation): readonly TroubleNow[] {
  const waitedMs = nowMs - demandSinceMs;
  if (runningCount > 0 || waitedMs < SLOW_MS) return [];
  const names = pending.slice(0, 3).map(({ pod }) => pod.name);
  const pods = names.length === 0 ? 'no pod of it is there yet' : `its pods have not begun to run: ${names.join(', ')}`;
  const message = `the pool has no worker after ${Math.floor(waitedMs / 1000)} s; ${pods}`;
  return [{ code: 'WORKER_START_SLOW', severity: 'warning', message }];
}

function nodeTexts(rooms: readonly NodeRoom[]): readonly string[] {
  const texts = rooms.slice(0, MAX_NODES_TOLD).map(({ name, free, unusable }) => {
    return unusable === undefined ? `${name} has ${roomText(free)} free` : `${name} ${unusable}`;
  });
  const more = rooms.length - texts.length;
  return more > 0 ? [...texts, `and ${more} more nodes`] : texts;
}

const roomText = (amounts: NodeRoom['free']): string =>
  `${formatCpu(Math.max(0, amounts['cpu'] ?? 0))} CPU and ${formatBytes(Math.max(0, amounts['memory'] ?? 0))} of memory`;
