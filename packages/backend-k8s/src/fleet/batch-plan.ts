/** Which Kubernetes Jobs a job of ours needs for its workers. Pure. */
import {
  fixedWorkerSize,
  perNodeSizes,
  type KubernetesOptions,
  type NodeRoom,
  type WorkerSize,
} from '@splitrock/k8s-common';

/** One Kubernetes Job: workers that are alike. A job has one, unless it grows, its nodes differ, or its pods have ended. */
export interface Batch {
  readonly name: string;
  readonly parallelism: number;
  readonly place: string;
  readonly slots: number;
  readonly madeMs: number;
  /** Pods of it that run, or will. */
  readonly live: number;
  /** Whether pods of it were ever seen. */
  readonly wasSeen: boolean;
  /** Whether a pod of it has ended well: then Kubernetes makes no more. */
  readonly isEnding: boolean;
}

export interface BatchOrder {
  readonly parallelism: number;
  readonly place: string;
  readonly size: WorkerSize;
  readonly hostname?: string;
}

export interface BatchView {
  readonly nowMs: number;
  /** Calls that wait or run. */
  readonly openCalls: number;
  readonly batches: readonly Batch[];
  readonly rooms: readonly NodeRoom[];
  /** Whether workers die as soon as they start; then Kubernetes' own tries must do. */
  readonly hasGivenUp: boolean;
}

const ANYWHERE = 'any';
/** Pods of a new batch are on their way for so long; then they are not counted on. */
const MAKING_MS = 10_000;
/** Growth comes in steps: of a job that is submitted piece by piece, pieces are gathered. */
const GATHER_MS = 1_000;

export function planBatches(view: BatchView, options: KubernetesOptions): readonly BatchOrder[] {
  const { openCalls, batches, nowMs } = view;
  if (openCalls === 0) return [];
  const counted = batches.map((batch) => ({ ...batch, workers: workersOf(batch, nowMs) }));
  const workers = counted.reduce((sum, batch) => sum + batch.workers, 0);
  const newest = Math.max(-Infinity, ...batches.map(({ madeMs }) => madeMs));
  if (nowMs - newest < GATHER_MS && workers > 0) return [];
  const room = options.maxWorkers - workers;
  const slots = counted.reduce((sum, batch) => sum + batch.workers * batch.slots, 0);
  const isDeserted = batches.length > 0 && batches.every((batch) => batch.live === 0 && !isMaking(batch, nowMs));
  if (isDeserted) return view.hasGivenUp ? [] : standIns(view, options);
  if (room <= 0 || slots >= openCalls) return [];
  return options.sizing.kind === 'fixed'
    ? likeWorkers(openCalls - slots, room, options)
    : nodeWorkers(openCalls - slots, room, view, options);
}

/** Workers that a batch has, or will have. */
function workersOf(batch: Batch, nowMs: number): number {
  if (batch.isEnding) return batch.live;
  // What fails is made again by Kubernetes, if after a pause.
  return isMaking(batch, nowMs) || batch.wasSeen ? batch.parallelism : batch.live;
}

const isMaking = ({ wasSeen, madeMs }: Batch, nowMs: number): boolean => !wasSeen && nowMs - madeMs < MAKING_MS;

/** Kubernetes makes pods that failed again after a pause that grows; meanwhile one goes on. */
function standIns(view: BatchView, options: KubernetesOptions): readonly BatchOrder[] {
  return options.sizing.kind === 'fixed' ? likeWorkers(1, 1, options) : nodeWorkers(1, 1, view, options);
}

function likeWorkers(missing: number, room: number, options: KubernetesOptions): readonly BatchOrder[] {
  if (options.sizing.kind !== 'fixed') return [];
  const size = fixedWorkerSize(options.sizing, options);
  return [{ parallelism: Math.min(room, Math.ceil(missing / size.slots)), place: ANYWHERE, size }];
}

/** The largest first, so that few workers do. */
function nodeWorkers(
  missing: number,
  room: number,
  { batches, rooms }: BatchView,
  options: KubernetesOptions,
): readonly BatchOrder[] {
  const taken = batches
    .filter(({ live, isEnding, wasSeen }) => live > 0 || (!isEnding && !wasSeen))
    .map(({ name, place, slots }) => ({ name, place, slots }));
  const sizes = perNodeSizes(taken, rooms, options).toSorted((a, b) => b.size.slots - a.size.slots);
  const orders: BatchOrder[] = [];
  let left = missing;
  for (const each of sizes) {
    if (left <= 0 || orders.length >= room) break;
    orders.push({ parallelism: 1, ...each });
    left -= each.size.slots;
  }
  return orders;
}
