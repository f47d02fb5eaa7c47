/** Gives each new namespace what every pod needs in it, and empties those that are deleted. */
import type { ResourceName } from '../objects/cluster.ts';
import { RESOURCES } from '../registry/resources.ts';
import type { Registry } from '../registry/registry.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { WorkQueue } from './work-queue.ts';

const NAMESPACED = (Object.keys(RESOURCES) as ResourceName[]).filter((name) => RESOURCES[name].namespaced);

export class NamespaceController {
  readonly #store: ObjectStore;
  readonly #registry: Registry;
  readonly #queue = new WorkQueue((name) => this.#sync(name));
  readonly #unsubscribe: () => void;

  constructor(store: ObjectStore, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
    this.#unsubscribe = store.onChange(({ resource, type, object }) => {
      if (resource === 'namespaces' && type !== 'DELETED') this.#queue.add(object.metadata.name);
      // The last object of a namespace that is being deleted may have gone.
      else if (type === 'DELETED' && object.metadata.namespace !== undefined)
        this.#queue.add(object.metadata.namespace);
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
  }

  #sync(name: string): void {
    const namespace = this.#store.get('namespaces', { name });
    if (namespace === undefined) return;
    if (namespace.status.phase === 'Terminating') this.#empty(name);
    else this.#furnish(name);
  }

  #furnish(namespace: string): void {
    if (this.#store.get('serviceaccounts', { namespace, name: 'default' }) !== undefined) return;
    const metadata = { name: 'default', namespace };
    this.#store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  }

  #empty(name: string): void {
    let left = 0;
    for (const resource of NAMESPACED) {
      for (const { metadata } of this.#store.list(resource, name)) {
        if (metadata.deletionTimestamp === undefined) {
          const { gone } = this.#registry.delete(resource, metadata, { propagationPolicy: 'Background' });
          if (gone) continue;
        }
        left += 1;
      }
    }
    if (left === 0) this.#store.remove('namespaces', { name });
  }
}
