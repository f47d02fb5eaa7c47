import type { Clock, ClockTimer } from '@splitrock/core/plugin';
import { isFinished } from '../objects/pod.ts';
import type { Registry } from '../registry/registry.ts';
import { isChangeOf } from '../store/change.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Removes the pods of nodes that are no longer in the cluster: no kubelet will ever do it. */
export class PodGarbageCollector {
  readonly #timers = new Set<ClockTimer>();
  readonly #unsubscribe: () => void;

  /** @param quarantineMs - How long a node must be gone, because it may only be replaced. */
  constructor(store: ObjectStore, registry: Registry, clock: Clock, quarantineMs: number) {
    this.#unsubscribe = store.onChange((change) => {
      if (!isChangeOf(change, 'nodes') || change.type !== 'DELETED') return;
      const { name } = change.object.metadata;
      const timer = clock.setTimer(() => {
        this.#timers.delete(timer);
        if (store.get('nodes', { name }) === undefined) collect(store, registry, name);
      }, quarantineMs);
      this.#timers.add(timer);
    });
  }

  stop(): void {
    this.#unsubscribe();
    for (const timer of this.#timers) timer.cancel();
  }
}

function collect(store: ObjectStore, registry: Registry, node: string): void {
  for (const pod of store.values('pods')) {
    if (pod.spec.nodeName !== node) continue;
    if (!isFinished(pod)) {
      store.update('pods', pod.metadata, ({ status }) => {
        status.phase = 'Failed';
      });
    }
    registry.delete('pods', pod.metadata, { gracePeriodSeconds: 0 });
  }
}
