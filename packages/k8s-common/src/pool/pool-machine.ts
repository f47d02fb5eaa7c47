/**
 * Decides which worker pods are made and removed, and what is told of them. Pure: it knows the time only from events,
 * and a shell performs what it says. Everything it decides follows from what the API shows, so that several clients of
 * one pool come to the same decisions, under the same names, and the second of two equal requests is harmless.
 *
 * A worker is taken away by nobody while it may have calls: it leaves by itself when it was idle for long. Only pods
 * that never began to run are removed, by who made them, when nobody waits any more.
 */
import type { WorkerChange } from '@splitrock/core/plugin';
import type { Trouble } from '../diagnosis/diagnosis-codes.ts';
import type { PodDeath } from '../diagnosis/pod-death.ts';
import type { NodeRoom } from '../sizing/node-room.ts';
import { growPool, maxPoolSlots, type PoolOptions, type Worker } from './growth.ts';
import type { PodView } from './pod-view.ts';
import type { PodOrder, PoolEvent, PoolInstruction } from './pool-events.ts';
import { PodsSeen } from './pods-seen.ts';
import { STEADY_MS, StartFailures } from './start-failures.ts';
import { ToldTroubles } from './told-troubles.ts';
import { poolTroubles, isExaminable } from './pool-troubles.ts';

/** Most pods asked for at once; the next are asked for when these are there. */
const MOST_AT_ONCE = 50;
/** A pod that was ordered and is not there after so long was removed before anybody saw it. */
const MAX_MISSING_MS = 10_000;
/** How soon to look again while something is in the making. */
const LOOK_AGAIN_MS = 500;
/** How long an incident (a lost worker) is told before it counts as over. */
const INCIDENT_MS = 30_000;
/** How long after a refusal the next pod is tried. */
const REFUSED_PAUSE_MS = 5_000;
/** Pods that never began to run go when nobody has waited for so long: work may be about to come. */
const UNWANTED_MS = 5_000;

export interface Incident {
  readonly trouble: Trouble;
  readonly untilMs: number;
}

export interface PoolMachineConfig {
  readonly options: PoolOptions;
  /** What names begin with. */
  readonly prefix: string;
  /** Who makes pods. */
  readonly madeBy: string;
}

export class PoolMachine {
  readonly #config: PoolMachineConfig;
  readonly #pods = new PodsSeen();
  readonly #failures = new StartFailures();
  readonly #told = new ToldTroubles();
  /** Ordered and not seen yet, with the time of the order. */
  readonly #ordered = new Map<string, { readonly order: PodOrder; readonly atMs: number }>();
  #rooms: readonly NodeRoom[] | undefined;
  #demand = 0;
  #demandSinceMs = 0;
  #unwantedSinceMs = 0;
  #apiTrouble: Trouble | undefined;
  #refusal: { readonly trouble: Trouble; readonly untilMs: number } | undefined;
  readonly #incidents: Incident[] = [];

  constructor(config: PoolMachineConfig) {
    this.#config = config;
  }

  get maxSlots(): number {
    return maxPoolSlots(this.#workers(), this.#rooms ?? [], this.#config.options);
  }

  handle(event: PoolEvent, nowMs: number): readonly PoolInstruction[] {
    const happened = this.#take(event, nowMs);
    const decided = this.#pods.known ? this.#reconcile(nowMs) : [];
    const told = this.#told.update(this.#troubles(nowMs)).map((event) => ({ type: 'diagnosis' as const, event }));
    return [...happened, ...decided, ...told, ...this.#wake(nowMs)];
  }

  #take(event: PoolEvent, nowMs: number): readonly PoolInstruction[] {
    switch (event.type) {
      case 'demand':
        this.#setDemand(event.slots, nowMs);
        return [];
      case 'pods':
        return this.#podsChanged(event.pods, nowMs);
      case 'gone':
        this.#ordered.delete(event.pod.name);
        return this.#ended(event.pod, event.death, nowMs);
      case 'rooms':
        this.#rooms = event.rooms;
        return [];
      case 'created':
        this.#refusal = undefined;
        return [];
      case 'refused':
        this.#ordered.delete(event.name);
        this.#refusal = { trouble: event.trouble, untilMs: nowMs + REFUSED_PAUSE_MS };
        return [];
      case 'examined':
        this.#pods.examined(event.uid, event.trouble);
        return [];
      case 'api':
        this.#apiTrouble = event.trouble;
        return [];
      case 'tick':
        return [];
    }
  }

  #setDemand(slots: number, nowMs: number): void {
    if (this.#demand === 0 && slots > 0) this.#demandSinceMs = nowMs;
    if (this.#demand > 0 && slots === 0) this.#unwantedSinceMs = nowMs;
    this.#demand = slots;
  }

  #podsChanged(pods: readonly PodView[], nowMs: number): readonly PoolInstruction[] {
    const isFirst = !this.#pods.known;
    this.#pods.update(pods, nowMs);
    const seen = new Set(pods.map(({ name }) => name));
    for (const [name, { atMs }] of this.#ordered) {
      // A view may lag behind an order, but not for long.
      if (seen.has(name) || nowMs - atMs >= MAX_MISSING_MS) this.#ordered.delete(name);
    }
    const ended = pods.filter(({ phase, death }) => phase === 'succeeded' || death !== undefined);
    // What ended before this client came is none of its news; it only sweeps.
    if (isFirst) for (const { uid } of ended) this.#pods.isNewlyEnded(uid);
    return ended.flatMap((pod) => [
      ...this.#ended(pod, pod.death, nowMs),
      ...(pod.phase !== 'leaving' && this.#pods.isNewlyRemoved(pod.uid) ? [remove(pod)] : []),
    ]);
  }

  /** Tells of an end, once. @param death - Absent where it ended well. */
  #ended(pod: PodView, death: PodDeath | undefined, nowMs: number): readonly PoolInstruction[] {
    const { hasRun, wasOurs } = this.#pods.historyOf(pod);
    if (!this.#pods.isNewlyEnded(pod.uid)) return [];
    if (pod.phase === 'succeeded' || death === undefined || wasOurs) {
      return hasRun ? [workerChange({ workerId: pod.name, change: 'stopped', slots: pod.slots })] : [];
    }
    if (death.isOwnFault) this.#failures.failed(death, nowMs, this.#pods.hasSteadyWorker(nowMs));
    const trouble = incidentOf(death);
    if (trouble !== undefined) this.#incidents.push({ trouble, untilMs: nowMs + INCIDENT_MS });
    const change = { workerId: pod.name, change: 'lost' as const, slots: pod.slots, reason: death.reason };
    return hasRun ? [workerChange(change)] : [];
  }

  #reconcile(nowMs: number): readonly PoolInstruction[] {
    if (this.#pods.hasSteadyWorker(nowMs)) this.#failures.steady();
    const removals = this.#removals(nowMs);
    const orders = this.#orders(nowMs);
    return [...removals, ...orders, ...this.#examinations(nowMs)];
  }

  #orders(nowMs: number): readonly PodOrder[] {
    const { options, prefix } = this.#config;
    const mayNotYet = nowMs < Math.max(this.#failures.pauseUntilMs, this.#refusal?.untilMs ?? 0);
    if (mayNotYet || this.#apiTrouble !== undefined) return [];
    const live = this.#workers();
    const waiting = live.length - this.#pods.running.length;
    // A pool that cannot start workers tries with one.
    const most = this.#failures.hasGivenUp ? Math.max(0, 1 - waiting) : MOST_AT_ONCE - this.#ordered.size;
    const names = [...this.#pods.names(nowMs), ...this.#ordered.keys()];
    const view = { demand: this.#demand, live, names, rooms: this.#rooms ?? [], most };
    const orders = growPool(view, options, prefix);
    for (const order of orders) this.#ordered.set(order.name, { order, atMs: nowMs });
    return orders;
  }

  /** Pods that never ran: nobody waits for them any more, they take too long, or they no longer fit their node. */
  #removals(nowMs: number): readonly PoolInstruction[] {
    const { options, madeBy } = this.#config;
    const isUnwanted = this.#demand === 0 && nowMs - this.#unwantedSinceMs >= UNWANTED_MS;
    let spare = this.#workers().length - options.minWorkers;
    const removals: PoolInstruction[] = [];
    for (const { pod, pendingMs } of this.#pods.pending(nowMs)) {
      const isOver = isUnwanted && pod.madeBy === madeBy && spare > 0;
      // Whoever cannot be scheduled waits on: an autoscaler needs to see it. On its one node it waits in vain.
      const isStuck = pod.trouble?.code === 'POOL_UNSCHEDULABLE';
      const isLate = isStuck
        ? options.sizing.kind === 'per-node' && pendingMs >= STEADY_MS
        : pendingMs >= options.startTimeoutSeconds * 1000;
      if (!isOver && !isLate) continue;
      if (!this.#pods.isNewlyRemoved(pod.uid)) continue;
      spare -= 1;
      removals.push(remove(pod));
      if (!isOver && !isStuck)
        this.#failures.failed(lateDeath(pod, pendingMs), nowMs, this.#pods.hasSteadyWorker(nowMs));
    }
    return removals;
  }

  #examinations(nowMs: number): readonly PoolInstruction[] {
    return this.#pods
      .pending(nowMs)
      .filter(isExaminable)
      .filter(({ pod }) => this.#pods.isExaminationDue(pod.uid, nowMs))
      .slice(0, 3)
      .map(({ pod }) => ({ type: 'examine' as const, name: pod.name, uid: pod.uid }));
  }

  #troubles(nowMs: number): ReturnType<typeof poolTroubles> {
    while (this.#incidents[0] !== undefined && this.#incidents[0].untilMs <= nowMs) this.#incidents.shift();
    const { options } = this.#config;
    const live = this.#workers();
    return poolTroubles({
      nowMs,
      isWanted: this.#demand > 0 || live.length < options.minWorkers,
      demandSinceMs: this.#demandSinceMs,
      live,
      runningCount: this.#pods.running.length,
      pending: this.#pods.pending(nowMs),
      rooms: this.#rooms,
      options,
      failures: this.#failures,
      incidents: this.#incidents.map(({ trouble }) => trouble),
      apiTrouble: this.#apiTrouble,
      refusal: this.#refusal?.trouble,
    });
  }

  /** Nothing is looked at again in a pool at rest: its next event comes from outside. */
  #wake(nowMs: number): readonly PoolInstruction[] {
    const isMissing = this.#demand > 0 && this.#slots() < Math.min(this.#demand, this.maxSlots);
    const isBusy =
      isMissing ||
      this.#ordered.size > 0 ||
      this.#incidents.length > 0 ||
      this.#failures.inARow > 0 ||
      !this.#told.isEmpty ||
      this.#pods.pending(nowMs).length > 0 ||
      this.#workers().length < this.#config.options.minWorkers;
    return isBusy ? [{ type: 'wake', delayMs: LOOK_AGAIN_MS }] : [];
  }

  #workers(): readonly Worker[] {
    const ordered = [...this.#ordered.values()].map(({ order }) => ({ ...order, slots: order.size.slots }));
    return [...this.#pods.live, ...ordered];
  }

  #slots(): number {
    return this.#workers().reduce((sum, { slots }) => sum + slots, 0);
  }
}

const remove = ({ name, uid }: PodView): PoolInstruction => ({ type: 'delete', name, uid });

const workerChange = (change: WorkerChange): PoolInstruction => ({ type: 'worker', change });

const lateDeath = ({ name, trouble }: PodView, pendingMs: number): PodDeath => ({
  reason: {
    kind: 'start-failed',
    workerId: name,
    message: trouble?.message ?? `worker pod ${name} did not start within ${Math.round(pendingMs / 1000)} s`,
  },
  isOwnFault: true,
});

/** Losses that are worth a word of their own; crashes at start are counted as failures instead. */
function incidentOf({ reason }: PodDeath): Trouble | undefined {
  const { kind, message } = reason;
  if (kind === 'out-of-memory') return { code: 'WORKER_OUT_OF_MEMORY', message };
  if (kind === 'evicted') return { code: 'WORKER_EVICTED', message };
  return kind === 'node-lost' ? { code: 'NODE_LOST', message } : undefined;
}
