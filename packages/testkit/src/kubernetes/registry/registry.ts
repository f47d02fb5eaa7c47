/** The rules of the API between requests and the store: defaults, validation, versions, deletion. */
import { randomUUID } from 'node:crypto';
import { alreadyExists, badRequest, conflict, forbidden, invalid, MODIFIED_MEANWHILE, notFound } from '../api-error.ts';
import { decode } from '../admission/decode.ts';
import { validateMetadata } from '../admission/validate-metadata.ts';
import type { ResourceName } from '../objects/cluster.ts';
import { copyOf } from '../objects/copy.ts';
import { generateName, type ObjectKey } from '../objects/names.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { Json } from '../store/patch.ts';
import { applyPatch } from '../store/patch.ts';
import type { NewObject, ObjectStore } from '../store/object-store.ts';
import type { Clock } from '@splitrock/core/plugin';
import {
  addPropagationFinalizer,
  checkPreconditions,
  graceOf,
  markForDeletion,
  type DeleteOptions,
  type Deletion,
} from './deletion-rules.ts';
import { RESOURCES, type ObjectOf } from './resources.ts';
import type { Strategies, Strategy } from './strategy.ts';

export interface WriteOptions {
  readonly dryRun?: boolean | undefined;
  /** Writes the status and nothing else; otherwise everything but the status. */
  readonly subresource?: 'status' | undefined;
}

export class Registry {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #strategies: Strategies;

  constructor(store: ObjectStore, clock: Clock, strategies: Strategies) {
    this.#store = store;
    this.#clock = clock;
    this.#strategies = strategies;
  }

  get<R extends ResourceName>(resource: R, key: ObjectKey): ObjectOf<R> {
    const object = this.#store.get(resource, key);
    if (object === undefined) throw notFound(RESOURCES[resource], key.name);
    return object;
  }

  create<R extends ResourceName>(
    resource: R,
    body: unknown,
    namespace?: string,
    options: WriteOptions = {},
  ): ObjectOf<R> {
    const draft = this.#draft(resource, body, namespace);
    const strategy = this.#strategy(resource);
    strategy.prepareCreate?.(draft);
    this.#validate(resource, draft, strategy.validate?.(draft) ?? []);
    strategy.admit?.(draft);
    if (this.#store.get(resource, draft.metadata) !== undefined) {
      throw alreadyExists(RESOURCES[resource], draft.metadata.name);
    }
    if (options.dryRun === true) return draft;
    return this.#store.create(resource, draft as unknown as NewObject<R>);
  }

  /** PUT: the whole object, under the version it was read with if it names one. */
  replace<R extends ResourceName>(resource: R, key: ObjectKey, body: unknown, options: WriteOptions = {}): ObjectOf<R> {
    const next = decode(RESOURCES[resource], body) as unknown as ObjectOf<R>;
    return this.#write(resource, key, this.get(resource, key), copyOf(next), options);
  }

  patch<R extends ResourceName>(
    resource: R,
    key: ObjectKey,
    contentType: string,
    patch: Json,
    options: WriteOptions = {},
  ): ObjectOf<R> {
    const previous = this.get(resource, key);
    const patched = applyPatch(contentType, copyOf(previous) as unknown as Json, patch);
    const next = decode(RESOURCES[resource], patched) as unknown as ObjectOf<R>;
    return this.#write(resource, key, previous, copyOf(next), options);
  }

  delete<R extends ResourceName>(resource: R, key: ObjectKey, options: DeleteOptions = {}): Deletion<R> {
    const object = this.get(resource, key);
    checkPreconditions(resource, object, options);
    if (options.dryRun?.includes('All') === true) return { object, gone: false };
    const graceSeconds = graceOf(resource, object, options);
    const marked = this.#store.update(resource, key, (draft) => {
      addPropagationFinalizer(draft, options.propagationPolicy ?? RESOURCES[resource].defaultPropagation);
      const holding = (draft.metadata.finalizers ?? []).length > 0 || graceSeconds > 0 || resource === 'namespaces';
      if (holding) markForDeletion(draft, graceSeconds, this.#clock.now());
      if (resource === 'namespaces') (draft as ObjectOf<'namespaces'>).status.phase = 'Terminating';
    });
    if (marked?.metadata.deletionTimestamp !== undefined && graceSeconds > 0) return { object: marked, gone: false };
    return this.#finish(resource, key, marked ?? object);
  }

  /** Takes a finalizer off; an object that is being deleted goes with its last one. */
  removeFinalizer(resource: ResourceName, key: ObjectKey, finalizer: string): void {
    const left = this.#store.update(resource, key, ({ metadata }) => {
      metadata.finalizers = (metadata.finalizers ?? []).filter((other) => other !== finalizer);
      if (metadata.finalizers.length === 0) delete metadata.finalizers;
    });
    if (left !== undefined) this.#removeIfReleased(resource, key, left);
  }

  #removeIfReleased(resource: ResourceName, key: ObjectKey, object: ObjectOf<ResourceName>): void {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
    const released = deletionTimestamp !== undefined && finalizers.length === 0 && deletionGracePeriodSeconds === 0;
    if (released && resource !== 'namespaces') this.#store.remove(resource, key);
  }

  #finish<R extends ResourceName>(resource: R, key: ObjectKey, object: ObjectOf<R>): Deletion<R> {
    const waits = (object.metadata.finalizers ?? []).length > 0 || resource === 'namespaces';
    if (waits) return { object, gone: false };
    return { object: this.#store.remove(resource, key) ?? object, gone: true };
  }

  #draft<R extends ResourceName>(resource: R, body: unknown, namespace?: string): ObjectOf<R> {
    const draft = copyOf(decode(RESOURCES[resource], body)) as unknown as ObjectOf<R>;
    const { metadata } = draft;
    if (RESOURCES[resource].namespaced) {
      if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
        throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
      }
      this.#requireNamespace(resource, metadata.name ?? '', namespace ?? '');
      metadata.namespace = namespace ?? '';
    }
    if ((metadata.name ?? '') === '') {
      metadata.name = metadata.generateName === undefined ? '' : generateName(metadata.generateName);
    }
    for (const field of ['resourceVersion', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
      delete (metadata as Partial<typeof metadata>)[field];
    }
    // Given before the strategy prepares the object, because a job's selector holds its uid.
    metadata.uid = randomUUID();
    metadata.creationTimestamp = toTimestamp(this.#clock.now());
    if (['pods', 'jobs'].includes(resource)) (draft as { spec?: unknown }).spec ??= {};
    return draft;
  }

  #requireNamespace(resource: ResourceName, name: string, namespace: string): void {
    const found = this.#store.get('namespaces', { name: namespace });
    if (found === undefined) throw notFound(RESOURCES.namespaces, namespace);
    if (found.status.phase === 'Active') return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw forbidden(RESOURCES[resource], name, why);
  }

  #write<R extends ResourceName>(
    resource: R,
    key: ObjectKey,
    previous: ObjectOf<R>,
    next: ObjectOf<R>,
    options: WriteOptions,
  ): ObjectOf<R> {
    this.#checkIdentity(resource, previous, next);
    const strategy = this.#strategy(resource);
    const object =
      options.subresource === 'status' ? withStatusOf(previous, next) : keepingSystemFields(resource, previous, next);
    if (options.subresource !== 'status') {
      strategy.prepareUpdate?.(object, previous);
      this.#validate(resource, object, [
        ...(strategy.validate?.(object) ?? []),
        ...(strategy.validateUpdate?.(object, previous) ?? []),
      ]);
    }
    if (options.dryRun === true) return object;
    const stored = this.#store.update(resource, key, (draft) => replaceContents(draft, object)) ?? object;
    if ((previous.metadata.finalizers ?? []).length > 0) this.#removeIfReleased(resource, key, stored);
    return stored;
  }

  #checkIdentity<R extends ResourceName>(resource: R, previous: ObjectOf<R>, next: ObjectOf<R>): void {
    const { name, uid, resourceVersion } = previous.metadata;
    const wanted = next.metadata;
    if (wanted.name !== name) {
      throw badRequest(`the name of the object (${wanted.name}) does not match the name on the URL (${name})`);
    }
    if ((wanted.uid ?? uid) !== uid) {
      const why = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`;
      throw conflict(RESOURCES[resource], name, why);
    }
    if ((wanted.resourceVersion || resourceVersion) !== resourceVersion) {
      throw conflict(RESOURCES[resource], name, MODIFIED_MEANWHILE);
    }
  }

  #validate(resource: ResourceName, object: ObjectOf<ResourceName>, more: ReturnType<typeof validateMetadata>): void {
    const causes = [...validateMetadata(RESOURCES[resource], object.metadata), ...more];
    if (causes.length > 0) throw invalid(RESOURCES[resource], object.metadata.name, causes);
  }

  #strategy<R extends ResourceName>(resource: R): Strategy<R> {
    return this.#strategies[resource];
  }
}

function withStatusOf<R extends ResourceName>(previous: ObjectOf<R>, next: ObjectOf<R>): ObjectOf<R> {
  return { ...copyOf(previous), ...('status' in next ? { status: next.status } : {}) };
}

/** What only the server changes stays as it was, whatever the writer sent. */
function keepingSystemFields<R extends ResourceName>(
  resource: R,
  previous: ObjectOf<R>,
  next: ObjectOf<R>,
): ObjectOf<R> {
  const {
    uid,
    resourceVersion,
    creationTimestamp,
    namespace,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  } = previous.metadata;
  const fixed = {
    uid,
    resourceVersion,
    creationTimestamp,
    namespace,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  };
  const metadata = { ...next.metadata } as Record<string, unknown>;
  for (const [field, value] of Object.entries(fixed)) {
    if (value === undefined) delete metadata[field];
    else metadata[field] = value;
  }
  const kept = RESOURCES[resource].hasStatus && 'status' in previous ? { status: previous.status } : {};
  return { ...next, metadata, ...copyOf(kept) };
}

function replaceContents(draft: object, contents: object): void {
  for (const field of Object.keys(draft)) if (!(field in contents)) delete (draft as Record<string, unknown>)[field];
  Object.assign(draft, contents);
}
