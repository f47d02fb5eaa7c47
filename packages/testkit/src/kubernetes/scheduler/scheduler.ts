/** Gives each pending pod a node: by priority, then in the order in which they came. */
import type { Clock } from '@splitrock/core/plugin';
import { WorkQueue } from '../controllers/work-queue.ts';
import type { EventRecorder } from '../controllers/event-recorder.ts';
import { conditionOf, setCondition } from '../objects/conditions.ts';
import { keyText } from '../objects/names.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { Registry } from '../registry/registry.ts';
import { isChangeOf, type Change } from '../store/change.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { choosePlacement, type Unschedulable } from './fit.ts';
import { NodeUsage } from './node-usage.ts';
import { findVictims } from './preemption.ts';

const COMPONENT = 'default-scheduler';

export class Scheduler {
  readonly #store: ObjectStore;
  readonly #registry: Registry;
  readonly #events: EventRecorder;
  readonly #clock: Clock;
  readonly #usage = new NodeUsage();
  readonly #pending = new Set<string>();
  readonly #queue = new WorkQueue(() => this.#schedulePending());
  readonly #unsubscribe: () => void;

  constructor(store: ObjectStore, registry: Registry, events: EventRecorder, clock: Clock) {
    this.#store = store;
    this.#registry = registry;
    this.#events = events;
    this.#clock = clock;
    this.#unsubscribe = store.onChange((change) => this.#follow(change));
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
  }

  #follow(change: Change): void {
    // Whatever a node becomes, pods that fitted nowhere may fit now.
    if (change.resource === 'nodes') this.#queue.add('pending');
    if (!isChangeOf(change, 'pods')) return;
    const pod = change.object;
    const key = keyText(pod.metadata);
    if (change.type === 'DELETED') {
      this.#pending.delete(key);
      this.#usage.remove(pod);
      this.#queue.add('pending');
      return;
    }
    if (this.#usage.update(pod)) this.#queue.add('pending');
    if (!isPending(pod)) this.#pending.delete(key);
    else if (!this.#pending.has(key)) {
      this.#pending.add(key);
      this.#queue.add('pending');
    }
  }

  #schedulePending(): void {
    if (this.#pending.size === 0) return;
    const nodes = this.#store.list('nodes');
    const pods = [...this.#pending].map((key) => this.#podOf(key)).filter((pod) => pod !== undefined);
    // The sort is stable: equals stay in the order in which they came.
    for (const pod of pods.sort((one, other) => (other.spec.priority ?? 0) - (one.spec.priority ?? 0))) {
      const placement = choosePlacement(pod, nodes, this.#usage);
      if ('node' in placement) this.#bind(pod, placement.node.metadata.name);
      else this.#tellUnschedulable(pod, placement.unschedulable);
    }
  }

  #podOf(key: string): Pod | undefined {
    const [namespace, name = ''] = key.split('/');
    return this.#store.get('pods', { namespace, name });
  }

  #bind(pod: Pod, node: string): void {
    const { namespace, name } = pod.metadata;
    this.#store.update('pods', pod.metadata, (draft) => {
      draft.spec.nodeName = node;
      delete draft.status.nominatedNodeName;
      draft.status.conditions ??= [];
      setCondition(draft.status.conditions, { type: 'PodScheduled', status: 'True' }, this.#now());
    });
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    this.#events.recordAction(pod, COMPONENT, 'Binding', { reason: 'Scheduled', message });
  }

  #tellUnschedulable(pod: Pod, why: Unschedulable): void {
    const preemption = findVictims(pod, this.#store.list('nodes'), this.#usage);
    const message = preemption === undefined ? why.message + why.withoutPreemption : why.message;
    if (conditionOf(pod.status.conditions, 'PodScheduled')?.message !== message) {
      this.#store.update('pods', pod.metadata, (draft) => {
        draft.status.conditions ??= [];
        const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message } as const;
        setCondition(draft.status.conditions, condition, this.#now());
        if (preemption !== undefined) draft.status.nominatedNodeName = preemption.node;
      });
      const notice = { type: 'Warning', reason: 'FailedScheduling', message } as const;
      this.#events.recordAction(pod, COMPONENT, 'Scheduling', notice);
    }
    for (const victim of preemption?.victims ?? []) this.#preempt(victim, pod);
  }

  #preempt(victim: Pod, by: Pod): void {
    if (victim.metadata.deletionTimestamp !== undefined) return;
    const message = `Preempted by pod ${by.metadata.uid} on node ${victim.spec.nodeName}`;
    this.#events.recordAction(victim, COMPONENT, 'Preempting', { reason: 'Preempted', message });
    this.#store.update('pods', victim.metadata, (draft) => {
      draft.status.conditions ??= [];
      const why = {
        reason: 'PreemptionByScheduler',
        message: `${COMPONENT}: preempting to accommodate a higher priority pod`,
      };
      setCondition(draft.status.conditions, { type: 'DisruptionTarget', status: 'True', ...why }, this.#now());
    });
    this.#registry.delete('pods', victim.metadata);
  }

  #now(): string {
    return toTimestamp(this.#clock.now());
  }
}

function isPending(pod: Pod): boolean {
  return pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined && !isFinished(pod);
}
