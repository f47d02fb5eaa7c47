/** What etcd is to a cluster: every object, one version counter for all of them, and the recent changes. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@splitrock/core/plugin';
import type { ResourceName } from '../objects/cluster.ts';
import type { KubernetesObject } from '../objects/metadata.ts';
import { copyOf } from '../objects/copy.ts';
import { keyText, type ObjectKey } from '../objects/names.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { ObjectOf } from '../registry/resources.ts';
import type { Change } from './change.ts';
import { ChangeHistory } from './change-history.ts';

/** What a caller provides; the store gives the rest of the metadata. */
export type NewObject<R extends ResourceName> = Omit<ObjectOf<R>, 'metadata'> & {
  metadata: Partial<KubernetesObject['metadata']> & { name: string };
};

/** A cluster that was just made has some history already: versions do not begin at one. */
const FIRST_VERSION = 1000;

export class ObjectStore {
  readonly history = new ChangeHistory(FIRST_VERSION);
  readonly #clock: Clock;
  readonly #objects = new Map<ResourceName, Map<string, KubernetesObject>>();
  readonly #listeners = new Set<(change: Change) => void>();
  #version = FIRST_VERSION;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The version of the latest change. */
  get version(): number {
    return this.#version;
  }

  get<R extends ResourceName>(resource: R, key: ObjectKey): ObjectOf<R> | undefined {
    return this.#of(resource).get(keyText(key)) as ObjectOf<R> | undefined;
  }

  /** Every object of a resource, or of one namespace, in the order of namespaces and names. */
  list<R extends ResourceName>(resource: R, namespace?: string): ObjectOf<R>[] {
    const entries = [...this.#of(resource)].filter(
      ([, { metadata }]) => namespace === undefined || metadata.namespace === namespace,
    );
    return entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, object]) => object as ObjectOf<R>);
  }

  /** In no particular order, without making a list: for those who look at everything often. */
  values<R extends ResourceName>(resource: R): IterableIterator<ObjectOf<R>> {
    return this.#of(resource).values() as IterableIterator<ObjectOf<R>>;
  }

  count(resource: ResourceName): number {
    return this.#of(resource).size;
  }

  /** Stores a new object. The caller has seen to it that the name is free. */
  create<R extends ResourceName>(resource: R, object: NewObject<R>): ObjectOf<R> {
    const stored = copyOf(object) as unknown as ObjectOf<R>;
    stored.metadata = {
      ...stored.metadata,
      uid: object.metadata.uid ?? randomUUID(),
      creationTimestamp: object.metadata.creationTimestamp ?? toTimestamp(this.#clock.now()),
      resourceVersion: this.#nextVersion(),
    };
    this.#of(resource).set(keyText(stored.metadata), stored);
    this.#commit({ type: 'ADDED', resource, object: stored, previous: undefined, version: this.#version });
    return stored;
  }

  /** Changes a copy and stores it; a change of nothing is none. Undefined if there is no such object. */
  update<R extends ResourceName>(
    resource: R,
    key: ObjectKey,
    change: (draft: ObjectOf<R>) => void,
  ): ObjectOf<R> | undefined {
    const previous = this.get(resource, key);
    if (previous === undefined) return undefined;
    const object = copyOf(previous);
    change(object);
    if (isDeepStrictEqual(object, previous)) return previous;
    object.metadata.resourceVersion = this.#nextVersion();
    this.#of(resource).set(keyText(key), object);
    this.#commit({ type: 'MODIFIED', resource, object, previous, version: this.#version });
    return object;
  }

  remove<R extends ResourceName>(resource: R, key: ObjectKey): ObjectOf<R> | undefined {
    const previous = this.get(resource, key);
    if (previous === undefined) return undefined;
    this.#of(resource).delete(keyText(key));
    // Watchers are told the last state under the version of its deletion, so that they can go on from there.
    const object = copyOf(previous);
    object.metadata.resourceVersion = this.#nextVersion();
    this.#commit({ type: 'DELETED', resource, object, previous, version: this.#version });
    return object;
  }

  /**
   * Calls `listener` after each change, in order, within the call that made it. Listeners must not write: whoever
   * acts on a change does so later, or other listeners would hear of the changes out of order.
   */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #of(resource: ResourceName): Map<string, KubernetesObject> {
    let objects = this.#objects.get(resource);
    if (objects === undefined) this.#objects.set(resource, (objects = new Map()));
    return objects;
  }

  #nextVersion(): string {
    this.#version += 1;
    return String(this.#version);
  }

  #commit(change: Change): void {
    this.history.add(change);
    for (const listener of this.#listeners) listener(change);
  }
}
