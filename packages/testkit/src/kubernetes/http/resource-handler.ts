/** Answers requests about objects. */
import { badRequest, methodNotAllowed, type Status } from '../api-error.ts';
import type { Clock } from '@splitrock/core/plugin';
import type { Machines } from '../kubelet/machines.ts';
import type { ResourceName } from '../objects/cluster.ts';
import type { ObjectKey } from '../objects/names.ts';
import type { DeleteOptions, Deletion } from '../registry/deletion-rules.ts';
import type { Registry, WriteOptions } from '../registry/registry.ts';
import { RESOURCES } from '../registry/resources.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Json } from '../store/patch.ts';
import { parseSelectors, type Predicate } from '../store/selectors.ts';
import { isTrue, type Target } from './api-request.ts';
import type { Exchange } from './exchange.ts';
import { PagedLists } from './paged-lists.ts';
import { sendPodLog } from './pod-logs.ts';
import { proxyToPod } from './pod-proxy.ts';
import { bindPod, evictPod } from './pod-subresources.ts';
import { WatchStream } from './watch-stream.ts';

/** The real server ends each watch after half an hour to an hour. */
const DEFAULT_WATCH_SECONDS = 2400;

export interface ResourceHandlerSettings {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly machines: Machines;
  readonly bookmarkIntervalMs: number;
}

export class ResourceHandler {
  readonly watches = new Set<WatchStream>();
  readonly #settings: ResourceHandlerSettings;
  readonly #lists: PagedLists;

  constructor(settings: ResourceHandlerSettings) {
    this.#settings = settings;
    this.#lists = new PagedLists(settings.store);
  }

  async handle(exchange: Exchange, target: Target): Promise<void> {
    const { verb, name = '', namespace, subresource } = target;
    if (subresource === 'proxy') await this.#handlePod(exchange, target);
    else if (verb === 'list') this.#list(exchange, target);
    else if (verb === 'watch') this.#watch(exchange, target);
    else if (subresource !== undefined && subresource !== 'status') await this.#handlePod(exchange, target);
    else if (verb === 'get') exchange.sendJson(200, this.#settings.registry.get(target.resource, { namespace, name }));
    else await this.#write(exchange, target);
  }

  async #write(exchange: Exchange, target: Target): Promise<void> {
    const { verb, resource, namespace, name = '' } = target;
    const { registry } = this.#settings;
    const key: ObjectKey = { namespace, name };
    const body = await exchange.readJson();
    const options = writeOptionsOf(exchange, target);
    switch (verb) {
      case 'create':
        if (name !== '') throw methodNotAllowed();
        exchange.sendJson(201, registry.create(resource, body, namespace ?? defaultNamespace(resource), options));
        return;
      case 'update':
        exchange.sendJson(200, registry.replace(resource, key, body, options));
        return;
      case 'patch':
        exchange.sendJson(200, registry.patch(resource, key, exchange.contentType, body ?? null, options));
        return;
      case 'delete': {
        const deletion = registry.delete(resource, key, deleteOptionsOf(exchange, body));
        exchange.sendJson(200, answerTo(resource, deletion));
        return;
      }
      default:
        this.#deleteCollection(exchange, target, deleteOptionsOf(exchange, body));
    }
  }

  async #handlePod(
    exchange: Exchange,
    { resource, namespace, name = '', subresource, verb, rest }: Target,
  ): Promise<void> {
    const { registry, store, machines, clock } = this.#settings;
    const key = { namespace, name };
    if (resource !== 'pods') throw methodNotAllowed();
    if (subresource === 'proxy') await proxyToPod(exchange, registry, key, rest ?? '');
    else if (subresource === 'log' && verb === 'get')
      sendPodLog(exchange, registry.get('pods', key), machines, clock.now());
    else if (subresource === 'eviction' && verb === 'create') {
      exchange.sendJson(201, evictPod(registry, store, key, await exchange.readJson(), clock.now()));
    } else if (subresource === 'binding' && verb === 'create') {
      exchange.sendJson(201, bindPod(registry, store, key, await exchange.readJson(), clock.now()));
    } else throw methodNotAllowed();
  }

  #list(exchange: Exchange, { resource, namespace }: Target): void {
    const { query } = exchange;
    const list = this.#lists.list({
      resource,
      namespace,
      matches: selectorOf(exchange, resource),
      isSelective: query.has('labelSelector') || query.has('fieldSelector'),
      limit: Number(query.get('limit') ?? 0),
      continueToken: query.get('continue') === '' ? null : query.get('continue'),
    });
    exchange.sendJson(200, list);
  }

  #watch(exchange: Exchange, { resource, namespace, name }: Target): void {
    const { query, response } = exchange;
    const { store, clock, bookmarkIntervalMs } = this.#settings;
    const selects = selectorOf(exchange, resource);
    const resourceVersion = query.get('resourceVersion') ?? '';
    if (!/^\d*$/.test(resourceVersion))
      throw badRequest(
        `Invalid value: "${resourceVersion}": strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`,
      );
    const watch = new WatchStream(store, clock, response, {
      resource,
      namespace,
      matches: name === undefined ? selects : (object) => object.metadata.name === name && selects(object),
      resourceVersion,
      bookmarks: isTrue(query.get('allowWatchBookmarks')),
      timeoutSeconds: Number(query.get('timeoutSeconds') ?? DEFAULT_WATCH_SECONDS) || DEFAULT_WATCH_SECONDS,
      bookmarkIntervalMs,
    });
    this.watches.add(watch);
    response.on('close', () => this.watches.delete(watch));
    watch.open();
  }

  #deleteCollection(exchange: Exchange, { resource, namespace }: Target, options: DeleteOptions): void {
    const { store, registry } = this.#settings;
    const matching = store.list(resource, namespace).filter(selectorOf(exchange, resource));
    for (const { metadata } of matching) registry.delete(resource, metadata, options);
    const list = this.#lists.list({
      resource,
      namespace,
      matches: () => false,
      isSelective: true,
      limit: 0,
      continueToken: null,
    });
    exchange.sendJson(200, { ...list, items: matching });
  }
}

function selectorOf({ query }: Exchange, resource: ResourceName): Predicate {
  return parseSelectors(RESOURCES[resource], query.get('labelSelector') ?? '', query.get('fieldSelector') ?? '');
}

function defaultNamespace(resource: ResourceName): string | undefined {
  if (!RESOURCES[resource].namespaced) return undefined;
  throw methodNotAllowed();
}

function writeOptionsOf({ query }: Exchange, { subresource }: Target): WriteOptions {
  return {
    dryRun: query.getAll('dryRun').includes('All'),
    subresource: subresource === 'status' ? 'status' : undefined,
  };
}

/** The options of a deletion come in the body, or in the query for clients that send none. */
function deleteOptionsOf({ query }: Exchange, body: Json | undefined): DeleteOptions {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy as NonNullable<DeleteOptions['propagationPolicy']> }),
    ...(query.has('dryRun') ? { dryRun: query.getAll('dryRun') } : {}),
    ...(body as DeleteOptions | undefined),
  };
}

function answerTo(resource: ResourceName, { object, gone }: Deletion<ResourceName>): unknown {
  const { returnsDeleted, name, group } = RESOURCES[resource];
  if (!gone || returnsDeleted) return object;
  const details = {
    name: object.metadata.name,
    ...(group === '' ? {} : { group }),
    kind: name,
    uid: object.metadata.uid,
  };
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  return status;
}
