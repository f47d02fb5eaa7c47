/** Which worker pods are to be made for a demand. Pure: two clients that see the same decide the same, names included. */
import type { KubernetesOptions } from '../worker-pod/kubernetes-options.ts';
import { shortHash } from '../worker-pod/kube-names.ts';
import type { NodeRoom } from '../sizing/node-room.ts';
import { fixedWorkerSize, perNodeWorkerSize, type WorkerSize } from '../sizing/worker-size.ts';
import type { PodOrder } from './pool-events.ts';

export type PoolOptions = Pick<
  KubernetesOptions,
  | 'sizing'
  | 'limits'
  | 'slots'
  | 'ephemeralStorage'
  | 'extendedResources'
  | 'minWorkers'
  | 'maxWorkers'
  | 'startTimeoutSeconds'
>;

/** Where the workers of a pool of fixed size belong: anywhere. */
const ANYWHERE = 'any';

export interface Worker {
  readonly name: string;
  readonly place: string;
  readonly slots: number;
}

export interface GrowthView {
  /** Slots wanted in all. */
  readonly demand: number;
  /** Workers that run calls or will. */
  readonly live: readonly Worker[];
  /** Names that are taken, also by pods that have ended. */
  readonly names: readonly string[];
  readonly rooms: readonly NodeRoom[];
  /** Most pods to make now. */
  readonly most: number;
}

/** Pods to make: as few as meet the demand and the minimum, none above the maximum. */
export function growPool(view: GrowthView, options: PoolOptions, prefix: string): readonly PodOrder[] {
  const candidates = options.sizing.kind === 'fixed' ? likeWorkers(options) : nodeWorkers(view, options);
  const names = new Set(view.names);
  const orders: PodOrder[] = [];
  let slots = view.live.reduce((sum, worker) => sum + worker.slots, 0);
  const isEnough = (workers: number): boolean => slots >= view.demand && workers >= options.minWorkers;
  while (orders.length < view.most) {
    const workers = view.live.length + orders.length;
    if (workers >= options.maxWorkers || isEnough(workers)) break;
    const next = candidates.next(view.demand - slots);
    if (next === undefined) break;
    const name = nextName(prefix, next.place, names);
    names.add(name);
    orders.push({ type: 'create', name, ...next });
    slots += next.size.slots;
  }
  return orders;
}

/** The most slots the pool can have, as far as the nodes are known. */
export function maxPoolSlots(live: readonly Worker[], rooms: readonly NodeRoom[], options: PoolOptions): number {
  const { sizing, maxWorkers } = options;
  if (sizing.kind === 'fixed') return maxWorkers * fixedWorkerSize(sizing, options).slots;
  const possible = perNodeSizes(live, rooms, options).map(({ size }) => size.slots);
  const best = [...live.map(({ slots }) => slots), ...possible].toSorted((a, b) => b - a).slice(0, maxWorkers);
  return Math.max(
    1,
    best.reduce((sum, slots) => sum + slots, 0),
  );
}

/** Whether any node has room for a worker that is not there yet; always, where the scheduler is to find it. */
export const hasRoom = (live: readonly Worker[], rooms: readonly NodeRoom[], options: PoolOptions): boolean =>
  options.sizing.kind === 'fixed' || perNodeSizes(live, rooms, options).length > 0;

type Candidate = Omit<PodOrder, 'type' | 'name'>;
interface Candidates {
  /** @param missing - Slots that are still wanted; 0 or less: any worker will do. */
  next(missing: number): Candidate | undefined;
}

function likeWorkers(options: PoolOptions): Candidates {
  const { sizing } = options;
  if (sizing.kind !== 'fixed') return { next: () => undefined };
  const size = fixedWorkerSize(sizing, options);
  return { next: () => ({ place: ANYWHERE, size }) };
}

/** The smallest node that has all that is missing; else the largest, so that few workers do. */
function nodeWorkers({ live, rooms }: GrowthView, options: PoolOptions): Candidates {
  const sizes = perNodeSizes(live, rooms, options).toSorted((a, b) => a.size.slots - b.size.slots);
  return {
    next(missing) {
      const enough = sizes.findIndex(({ size }) => size.slots >= missing);
      return sizes.splice(enough === -1 ? sizes.length - 1 : enough, 1)[0];
    },
  };
}

/** The workers that there is room for on nodes that have none, where workers are sized to nodes. */
export function perNodeSizes(
  live: readonly Worker[],
  rooms: readonly NodeRoom[],
  options: PoolOptions,
): readonly (Candidate & { readonly size: WorkerSize })[] {
  const { sizing } = options;
  if (sizing.kind !== 'per-node') return [];
  const taken = new Set(live.map(({ place }) => place));
  return rooms
    .filter(({ hostname, unusable }) => unusable === undefined && !taken.has(hostname))
    .flatMap(({ hostname, free }) => {
      const size = perNodeWorkerSize(sizing, options, free);
      return size === undefined ? [] : [{ place: hostname, hostname, size }];
    });
}

/** The number after the highest that is taken, so that the name of a pod that died is not at once another's. */
function nextName(prefix: string, place: string, names: ReadonlySet<string>): string {
  const start = place === ANYWHERE ? `${prefix}-` : `${prefix}-n${shortHash(place).slice(0, 8)}-`;
  const taken = [...names].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
  const numbers = taken.filter((rest) => /^[0-9]{1,9}$/.test(rest)).map(Number);
  return `${start}${Math.max(-1, ...numbers) + 1}`;
}
