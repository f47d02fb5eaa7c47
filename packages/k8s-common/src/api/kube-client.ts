/** The few requests that pools make, typed, tried again while that may help. */
import { pause, systemClock, type Clock, type OperationOptions } from '@splitrock/core/plugin';
import { isKubeStatus, KubeApiError } from './kube-error.ts';
import type { KubeEvent, KubeJob, KubeList, KubeNode, KubeObject, Pod, Secret } from './kube-objects.ts';
import type { KubeAccess } from './kube-access.ts';
import { KubeTransport, type KubeRequest, type PodAnswer, type PodRequest } from './kube-transport.ts';

/** A kind of object and where it is found. */
export interface KubeResource<T extends KubeObject> {
  readonly plural: string;
  readonly isNamespaced: boolean;
  /** With its version, `batch/v1`; absent: the core group. */
  readonly group?: string;
  /** Never set; makes two resources of different objects different types. */
  readonly object?: T;
}

export const PODS: KubeResource<Pod> = { plural: 'pods', isNamespaced: true };
export const JOBS: KubeResource<KubeJob> = { plural: 'jobs', isNamespaced: true, group: 'batch/v1' };
export const SECRETS: KubeResource<Secret> = { plural: 'secrets', isNamespaced: true };
export const EVENTS: KubeResource<KubeEvent> = { plural: 'events', isNamespaced: true };
export const NODES: KubeResource<KubeNode> = { plural: 'nodes', isNamespaced: false };

export interface Selection {
  /** Of namespaced objects; absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK`; `ERROR` with a `Status`. */
export interface KubeChange {
  readonly type: string;
  readonly object: KubeObject;
}

export interface KubeWatcher {
  /** The server has accepted the watch. */
  opened(): void;
  changed(change: KubeChange): void;
}

export interface AccessQuestion {
  readonly verb: string;
  readonly resource: string;
  /** Without its version; absent: the core group. */
  readonly group?: string;
  readonly subresource?: string;
  /** Absent: in all namespaces, or of no namespace. */
  readonly namespace?: string;
}

/** Where in a pod a request goes. */
export interface PodPort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** With its slash. */
  readonly path: string;
}

const PAGE = 500;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export interface KubeClientSettings {
  /** How long one answer may take, in milliseconds. @defaultValue 8_000 */
  readonly timeoutMs?: number;
  /** How long failures that may pass are tried again, in milliseconds. @defaultValue 5_000 */
  readonly retryForMs?: number;
  readonly clock?: Clock;
}

export class KubeClient {
  readonly access: KubeAccess;
  readonly #transport: KubeTransport;
  readonly #timeoutMs: number;
  readonly #retryForMs: number;
  readonly #clock: Clock;

  constructor(
    access: KubeAccess,
    { timeoutMs = 8_000, retryForMs = 5_000, clock = systemClock }: KubeClientSettings = {},
  ) {
    this.access = access;
    this.#transport = new KubeTransport(access);
    this.#timeoutMs = timeoutMs;
    this.#retryForMs = retryForMs;
    this.#clock = clock;
  }

  /** All objects of one moment, read in pages; `resourceVersion` is that moment. */
  async list<T extends KubeObject>(
    resource: KubeResource<T>,
    selection: Selection,
    options: OperationOptions = {},
  ): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      const query = { ...selectors(selection), limit: PAGE, continue: next };
      const page = await this.#json<KubeList<T>>({ method: 'GET', path: pathOf(resource, selection), query }, options);
      items.push(...page.items);
      next = page.metadata?.continue;
      if (next === undefined || next === '') return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
    }
  }

  /**
   * Tells of each change after `resourceVersion`, bookmarks included, until the server ends the watch, as it does after
   * `seconds`. Not tried again: the caller knows from where to go on.
   */
  async watch(
    resource: KubeResource<KubeObject>,
    selection: Selection & { readonly resourceVersion: string; readonly seconds: number },
    watcher: KubeWatcher,
    { signal }: OperationOptions = {},
  ): Promise<void> {
    const query = {
      ...selectors(selection),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: selection.resourceVersion,
      timeoutSeconds: selection.seconds,
    };
    const request: KubeRequest = {
      method: 'GET',
      path: pathOf(resource, selection),
      query,
      signal,
      timeoutMs: this.#timeoutMs,
    };
    await this.#transport.lines(request, {
      opened: () => watcher.opened(),
      line: (line) => watcher.changed(JSON.parse(line) as KubeChange),
    });
  }

  /**
   * An aborted signal ends the tries; a request that is under way is waited for, so that it is known what was made.
   *
   * @throws KubeApiError with status 409 if it exists. A request that was repeated may see its own success as that.
   */
  async create<T extends KubeObject>(resource: KubeResource<T>, object: T, options: OperationOptions = {}): Promise<T> {
    const selection = { namespace: object.metadata?.namespace };
    options.signal?.throwIfAborted();
    const request = { method: 'POST' as const, path: pathOf(resource, selection), body: object };
    return this.#json<T>(request, { pauses: options.signal });
  }

  /** Whether it was there. @param target - With `uid`: only while it is that very object. */
  async delete(
    resource: KubeResource<KubeObject>,
    { name, namespace, uid }: { readonly name: string; readonly namespace: string; readonly uid?: string },
    options: OperationOptions = {},
  ): Promise<boolean> {
    const path = `${pathOf(resource, { namespace })}/${encodeURIComponent(name)}`;
    const body = { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions: { uid } }) };
    try {
      await this.#json({ method: 'DELETE', path, body }, options);
      return true;
    } catch (error) {
      // 409: another object has its name by now.
      if (isKubeStatus(error, 404) || (uid !== undefined && isKubeStatus(error, 409))) return false;
      throw error;
    }
  }

  /** Whether the user of this client may do something, as the API server sees it. */
  async isAllowed(
    { verb, resource, group = '', subresource, namespace }: AccessQuestion,
    options: OperationOptions = {},
  ): Promise<boolean> {
    const resourceAttributes = { group, verb, resource, subresource, namespace };
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const review = await this.#json<{ status?: { allowed?: boolean } }>({ method: 'POST', path, body }, options);
    return review.status?.allowed === true;
  }

  /**
   * Has the API server bring a request to a port of a pod, and its answer back. Not tried again.
   *
   * @throws KubeApiError when there is no answer of the API server. What it answers itself, because it does not reach the
   * pod or refuses to, cannot be told from the pod's own answers but by what is in them.
   */
  askPod({ namespace, name, port, path }: PodPort, request: Omit<PodRequest, 'path'>): Promise<PodAnswer> {
    const pod = `${pathOf(PODS, { namespace })}/${encodeURIComponent(name)}:${port}`;
    return this.#transport.exchange({ ...request, path: `${pod}/proxy${path}` });
  }

  /** Frees connections; requests under way fail. */
  close(): void {
    this.#transport.close();
  }

  /** @param signals - `signal` ends everything, `pauses` only the waiting between tries. */
  async #json<T>(
    request: Omit<KubeRequest, 'timeoutMs'>,
    { signal, pauses = signal }: OperationOptions & { readonly pauses?: AbortSignal | undefined },
  ): Promise<T> {
    const untilMs = this.#clock.now() + this.#retryForMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return JSON.parse(await this.#transport.request({ ...request, signal, timeoutMs: this.#timeoutMs })) as T;
      } catch (error) {
        if (!(error instanceof KubeApiError) || !error.retryable) throw error;
        const backoffMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + Math.random());
        const pauseMs = error.retryAfterMs ?? backoffMs;
        if (this.#clock.now() + pauseMs > untilMs) throw error;
        await pause(this.#clock, pauseMs, { keepAlive: true, ...(pauses === undefined ? {} : { signal: pauses }) });
      }
    }
  }
}

function pathOf({ plural, isNamespaced, group }: KubeResource<KubeObject>, { namespace }: Selection): string {
  const base = group === undefined ? '/api/v1' : `/apis/${group}`;
  return isNamespaced && namespace !== undefined
    ? `${base}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${base}/${plural}`;
}

const selectors = ({ labelSelector, fieldSelector }: Selection): Record<string, string | undefined> => ({
  labelSelector,
  fieldSelector,
});
