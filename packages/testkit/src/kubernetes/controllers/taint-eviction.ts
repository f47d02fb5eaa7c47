/** Takes pods off nodes with a `NoExecute` taint, each when it tolerates it no longer. */
import type { Clock, ClockTimer } from '@splitrock/core/plugin';
import { setCondition } from '../objects/conditions.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { Registry } from '../registry/registry.ts';
import { tolerates } from '../scheduler/tolerations.ts';
import { isChangeOf } from '../store/change.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EventRecorder } from './event-recorder.ts';
import { WorkQueue } from './work-queue.ts';

const COMPONENT = 'taint-eviction-controller';

export interface TaintEvictionSettings {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

export class TaintEviction {
  readonly #settings: TaintEvictionSettings;
  /** The pods that are to go, by uid. */
  readonly #timers = new Map<string, ClockTimer>();
  readonly #queue = new WorkQueue((node) => this.#sync(node));
  readonly #unsubscribe: () => void;

  constructor(settings: TaintEvictionSettings) {
    this.#settings = settings;
    this.#unsubscribe = settings.store.onChange((change) => {
      if (isChangeOf(change, 'nodes')) this.#queue.add(change.object.metadata.name);
      else if (isChangeOf(change, 'pods') && change.object.spec.nodeName !== undefined)
        this.#queue.add(change.object.spec.nodeName);
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #sync(name: string): void {
    const { store } = this.#settings;
    const taints = (store.get('nodes', { name })?.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
    // Nearly always there is nothing to do, and then looking at all pods would be dear.
    if (taints.length === 0 && this.#timers.size === 0) return;
    for (const pod of store.values('pods')) {
      if (pod.spec.nodeName !== name || isFinished(pod) || pod.metadata.deletionTimestamp !== undefined) continue;
      const seconds = taints.map((taint) => {
        const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
        return matching.length === 0
          ? 0
          : Math.min(...matching.map(({ tolerationSeconds = Infinity }) => tolerationSeconds));
      });
      this.#plan(pod, Math.min(Infinity, ...seconds));
    }
  }

  #plan(pod: Pod, seconds: number): void {
    const { clock, events } = this.#settings;
    const { uid, namespace, name } = pod.metadata;
    const planned = this.#timers.get(uid);
    if (seconds === Infinity) {
      if (planned === undefined) return;
      planned.cancel();
      this.#timers.delete(uid);
      events.record(pod, COMPONENT, {
        reason: 'TaintManagerEviction',
        message: `Cancelling deletion of Pod ${namespace}/${name}`,
      });
    } else if (planned === undefined) {
      this.#timers.set(
        uid,
        clock.setTimer(() => this.#evict(pod), seconds * 1000),
      );
    }
  }

  #evict(pod: Pod): void {
    const { store, registry, events, clock } = this.#settings;
    const { uid, namespace, name } = pod.metadata;
    this.#timers.delete(uid);
    const current = store.get('pods', pod.metadata);
    if (current?.metadata.uid !== uid || isFinished(current) || current.metadata.deletionTimestamp !== undefined)
      return;
    events.record(current, COMPONENT, {
      reason: 'TaintManagerEviction',
      message: `Marking for deletion Pod ${namespace}/${name}`,
    });
    const why = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' };
    store.update('pods', pod.metadata, ({ status }) => {
      status.conditions ??= [];
      setCondition(status.conditions, { type: 'DisruptionTarget', status: 'True', ...why }, toTimestamp(clock.now()));
    });
    registry.delete('pods', pod.metadata, { preconditions: { uid } });
  }
}
