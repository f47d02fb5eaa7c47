/** One open watch: it sends each change that its selectors let through, one JSON object a line. */
import type { ServerResponse } from 'node:http';
import type { Clock, ClockTimer } from '@splitrock/core/plugin';
import { type ApiError, expired } from '../api-error.ts';
import type { ResourceName } from '../objects/cluster.ts';
import type { KubernetesObject } from '../objects/metadata.ts';
import { apiVersionOf, RESOURCES } from '../registry/resources.ts';
import type { Change } from '../store/change.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Predicate } from '../store/selectors.ts';

export interface WatchOptions {
  readonly resource: ResourceName;
  readonly namespace: string | undefined;
  readonly matches: Predicate;
  /** The version to go on from; empty or `0` begins with everything that there is. */
  readonly resourceVersion: string;
  readonly bookmarks: boolean;
  /** When the server ends the watch, in seconds. */
  readonly timeoutSeconds: number;
  readonly bookmarkIntervalMs: number;
}

export class WatchStream {
  readonly options: WatchOptions;
  readonly #store: ObjectStore;
  readonly #response: ServerResponse;
  readonly #timers = new Set<ClockTimer>();
  readonly #clock: Clock;
  #unsubscribe: (() => void) | undefined;
  /** Up to where the client knows of everything. */
  #toldVersion = 0;

  constructor(store: ObjectStore, clock: Clock, response: ServerResponse, options: WatchOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#response = response;
    this.options = options;
  }

  /** Answers the request and follows the store until the watch ends. */
  open(): void {
    const { resourceVersion, timeoutSeconds, bookmarks } = this.options;
    const since = Number(resourceVersion);
    const fresh = resourceVersion === '' || resourceVersion === '0';
    const missed = fresh ? [] : this.#store.history.since(since);
    this.#response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    this.#response.flushHeaders();
    if (missed === undefined) {
      // The real server answers 200 and tells of it in the stream, as an event.
      const { forgottenUntil } = this.#store.history;
      this.fail(expired(`too old resource version: ${since} (${forgottenUntil})`));
      return;
    }
    this.#toldVersion = fresh ? this.#store.version : since;
    if (fresh) this.#sendEverything();
    for (const change of missed) this.#sendChange(change);
    this.#unsubscribe = this.#store.onChange((change) => this.#sendChange(change));
    this.#timers.add(this.#clock.setTimer(() => this.end(), timeoutSeconds * 1000));
    // A last one shortly before the end, so that the client can go on from there.
    const { bookmarkIntervalMs } = this.options;
    if (bookmarks) this.#scheduleBookmark(Math.min(bookmarkIntervalMs, Math.max(0, timeoutSeconds - 2) * 1000));
    this.#response.on('close', () => this.#release());
  }

  /** Ends the watch as the server does when its time is over. */
  end(): void {
    this.#release();
    this.#response.end();
  }

  /** Cuts the connection, as a broken network does. */
  cut(): void {
    this.#release();
    this.#response.destroy();
  }

  /** Ends the watch with an error event. */
  fail(error: ApiError): void {
    this.#write('ERROR', error.toStatus());
    this.end();
  }

  /** Tells the client how far it has seen everything, if that is further than it knows. */
  sendBookmark(): void {
    if (this.#store.version <= this.#toldVersion) return;
    this.#toldVersion = this.#store.version;
    const definition = RESOURCES[this.options.resource];
    const metadata = { resourceVersion: String(this.#store.version), creationTimestamp: null };
    this.#write('BOOKMARK', { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata });
  }

  #sendEverything(): void {
    const { resource, namespace, matches } = this.options;
    for (const object of this.#store.list(resource, namespace)) if (matches(object)) this.#write('ADDED', object);
  }

  /** An object that begins or ceases to match comes and goes, as far as this watch can see. */
  #sendChange({ type, resource, object, previous, version }: Change): void {
    const { namespace, matches } = this.options;
    if (resource !== this.options.resource) return;
    if (namespace !== undefined && object.metadata.namespace !== namespace) return;
    const wasSeen = previous !== undefined && matches(previous);
    const isSeen = type !== 'DELETED' && matches(object);
    if (wasSeen || isSeen) this.#toldVersion = version;
    if (isSeen) this.#write(wasSeen ? 'MODIFIED' : 'ADDED', object);
    else if (wasSeen) this.#write('DELETED', type === 'DELETED' ? object : underVersionOf(previous, object));
  }

  #scheduleBookmark(delayMs: number): void {
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      this.sendBookmark();
      this.#scheduleBookmark(this.options.bookmarkIntervalMs);
    }, delayMs);
    this.#timers.add(timer);
  }

  #write(type: string, object: unknown): void {
    this.#response.write(`${JSON.stringify({ type, object })}\n`);
  }

  #release(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}

function underVersionOf(object: KubernetesObject, newer: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: newer.metadata.resourceVersion } };
}
