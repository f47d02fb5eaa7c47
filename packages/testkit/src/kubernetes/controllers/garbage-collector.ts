/** Owners and dependents: what goes when its owner goes, and what an owner waits for. */
import type { ResourceName } from '../objects/cluster.ts';
import type { KubernetesObject } from '../objects/metadata.ts';
import { keyText, type ObjectKey } from '../objects/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Change } from '../store/change.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { WorkQueue } from './work-queue.ts';

interface Dependent {
  readonly resource: ResourceName;
  readonly key: ObjectKey;
}

export class GarbageCollector {
  readonly #store: ObjectStore;
  readonly #registry: Registry;
  /** Who refers to an owner, by the owner's uid. */
  readonly #dependents = new Map<string, Map<string, Dependent>>();
  /** The objects that live, or are being deleted, by uid. */
  readonly #objects = new Map<string, Dependent>();
  readonly #queue = new WorkQueue((uid) => this.#sync(uid));
  readonly #unsubscribe: () => void;

  constructor(store: ObjectStore, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
    this.#unsubscribe = store.onChange((change) => this.#follow(change));
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
  }

  #follow({ type, resource, object, previous }: Change): void {
    const { uid } = object.metadata;
    const self: Dependent = { resource, key: object.metadata };
    for (const owner of ownersOf(previous))
      this.#dependents.get(owner)?.delete(`${resource} ${keyText(object.metadata)}`);
    if (type === 'DELETED') this.#objects.delete(uid);
    else this.#objects.set(uid, self);
    for (const owner of ownersOf(object)) {
      if (type !== 'DELETED') this.#dependentsOf(owner).set(`${resource} ${keyText(object.metadata)}`, self);
      // An owner may be waiting for this one to go, or may never have been there.
      if (type !== 'MODIFIED') this.#queue.add(owner);
    }
    if (type === 'DELETED' || object.metadata.deletionTimestamp !== undefined) this.#queue.add(uid);
  }

  #sync(uid: string): void {
    const owner = this.#objects.get(uid);
    const object = owner === undefined ? undefined : this.#store.get(owner.resource, owner.key);
    if (owner === undefined || object === undefined) {
      for (const dependent of this.#dependentsOf(uid).values()) this.#release(dependent, uid);
      this.#dependents.delete(uid);
      return;
    }
    const finalizers = object.metadata.finalizers ?? [];
    if (finalizers.includes('orphan')) {
      for (const dependent of this.#dependentsOf(uid).values()) this.#orphan(dependent, uid);
      this.#registry.removeFinalizer(owner.resource, owner.key, 'orphan');
    } else if (finalizers.includes('foregroundDeletion')) this.#deleteForeground(owner, uid);
  }

  /** Deletes the dependents first; the owner goes when the last of them has. */
  #deleteForeground(owner: Dependent, uid: string): void {
    const dependents = [...this.#dependentsOf(uid).values()];
    for (const { resource, key } of dependents) {
      const object = this.#store.get(resource, key);
      if (object !== undefined && object.metadata.deletionTimestamp === undefined) {
        this.#registry.delete(resource, key, { propagationPolicy: 'Foreground' });
      }
    }
    if (this.#dependentsOf(uid).size === 0)
      this.#registry.removeFinalizer(owner.resource, owner.key, 'foregroundDeletion');
  }

  /** An owner is gone: a dependent goes too, unless another owner keeps it. */
  #release({ resource, key }: Dependent, uid: string): void {
    const object = this.#store.get(resource, key);
    if (object === undefined) return;
    const keptByOther = ownersOf(object).some((other) => other !== uid && this.#objects.has(other));
    if (keptByOther) this.#orphan({ resource, key }, uid);
    else if (object.metadata.deletionTimestamp === undefined) {
      this.#registry.delete(resource, key, { propagationPolicy: 'Background' });
    }
  }

  #orphan({ resource, key }: Dependent, uid: string): void {
    this.#store.update(resource, key, ({ metadata }) => {
      const owners = (metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      if (owners.length > 0) metadata.ownerReferences = owners;
      else delete metadata.ownerReferences;
    });
  }

  #dependentsOf(uid: string): Map<string, Dependent> {
    let dependents = this.#dependents.get(uid);
    if (dependents === undefined) this.#dependents.set(uid, (dependents = new Map()));
    return dependents;
  }
}

function ownersOf(object: KubernetesObject | undefined): string[] {
  return (object?.metadata.ownerReferences ?? []).map(({ uid }) => uid);
}
