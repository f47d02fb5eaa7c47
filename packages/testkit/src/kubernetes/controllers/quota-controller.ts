import { quotaUsage } from '../admission/quota.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { WorkQueue } from './work-queue.ts';

/** Keeps the status of resource quotas up to date; that they are kept is the business of admission. */
export class QuotaController {
  readonly #store: ObjectStore;
  readonly #queue = new WorkQueue((namespace) => this.#sync(namespace));
  readonly #unsubscribe: () => void;

  constructor(store: ObjectStore) {
    this.#store = store;
    this.#unsubscribe = store.onChange(({ resource, object }) => {
      const { namespace } = object.metadata;
      if (resource !== 'events' && namespace !== undefined && store.count('resourcequotas') > 0)
        this.#queue.add(namespace);
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
  }

  #sync(namespace: string): void {
    for (const { metadata, spec } of this.#store.list('resourcequotas', namespace)) {
      const used = quotaUsage(this.#store, namespace, spec.hard);
      this.#store.update('resourcequotas', metadata, (draft) => {
        draft.status = { ...(spec.hard === undefined ? {} : { hard: { ...spec.hard } }), used };
      });
    }
  }
}
