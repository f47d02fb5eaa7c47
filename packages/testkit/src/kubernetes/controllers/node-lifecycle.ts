/** Notices nodes that no longer report, and what becomes of their pods. */
import type { Clock, ClockTimer } from '@splitrock/core/plugin';
import { healthyConditions } from '../kubelet/node-description.ts';
import type { Node, Taint } from '../objects/cluster.ts';
import { conditionOf, setCondition } from '../objects/conditions.ts';
import { isFinished } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EventRecorder } from './event-recorder.ts';

const UNREACHABLE = 'node.kubernetes.io/unreachable';
const COMPONENT = 'node-controller';

export class NodeLifecycle {
  readonly #store: ObjectStore;
  readonly #events: EventRecorder;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #timers = new Map<string, ClockTimer>();

  constructor(store: ObjectStore, events: EventRecorder, clock: Clock, graceMs: number) {
    this.#store = store;
    this.#events = events;
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** The node's last sign of life was now; after the grace period it counts as unreachable. */
  kubeletStopped(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(
      name,
      this.#clock.setTimer(() => this.#markUnreachable(name), this.#graceMs),
    );
  }

  kubeletStarted(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    const now = this.#now();
    this.#store.update('nodes', { name }, (node) => {
      node.status.conditions ??= [];
      for (const condition of healthyConditions(now)) setCondition(node.status.conditions, condition, now);
      setTaints(
        node,
        (node.spec.taints ?? []).filter(({ key }) => key !== UNREACHABLE),
      );
    });
  }

  #markUnreachable(name: string): void {
    this.#timers.delete(name);
    const now = this.#now();
    const node = this.#store.update('nodes', { name }, (draft) => {
      const unknown = {
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      } as const;
      draft.status.conditions ??= [];
      for (const { type } of draft.status.conditions) setCondition(draft.status.conditions, { type, ...unknown }, now);
      const taints: Taint[] = (['NoSchedule', 'NoExecute'] as const).map((effect) => ({
        key: UNREACHABLE,
        effect,
        timeAdded: now,
      }));
      setTaints(draft, [...(draft.spec.taints ?? []), ...taints]);
    });
    if (node === undefined) return;
    const message = `Node ${name} status is now: NodeNotReady`;
    this.#events.record(node, COMPONENT, { reason: 'NodeNotReady', message });
    this.#markPodsNotReady(name, now);
  }

  #markPodsNotReady(name: string, now: string): void {
    const pods = [...this.#store.values('pods')].filter((pod) => pod.spec.nodeName === name && !isFinished(pod));
    for (const pod of pods) {
      if (conditionOf(pod.status.conditions, 'Ready')?.status !== 'True') continue;
      const updated = this.#store.update('pods', pod.metadata, ({ status }) => {
        setCondition(status.conditions ?? [], { type: 'Ready', status: 'False' }, now);
      });
      const notice = { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' } as const;
      this.#events.record(updated ?? pod, COMPONENT, notice);
    }
  }

  #now(): string {
    return toTimestamp(this.#clock.now());
  }
}

function setTaints(node: Node, taints: Taint[]): void {
  if (taints.length > 0) node.spec.taints = taints;
  else delete node.spec.taints;
}
