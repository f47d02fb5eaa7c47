/** Trouble on demand: what a busy, restarting or distant API server does to its clients. */
import { pause, type Clock } from '@splitrock/core/plugin';
import { ApiError, expired } from '../api-error.ts';
import type { WatchStream } from '../http/watch-stream.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { matchesRequest, type LoggedRequest, type RequestMatch } from './request-match.ts';

export type FaultCode = 403 | 409 | 410 | 429 | 500 | 503 | 504;

export interface FailureOptions {
  /** How many requests it hits. @defaultValue 1 */
  readonly times?: number;
  /** What 429 and 503 tell clients to wait, in seconds. @defaultValue 1 */
  readonly retryAfterSeconds?: number;
  /** In place of the usual wording. */
  readonly message?: string;
}

/** A fault that was asked for: a test that never sees it hit proves nothing. */
export interface Fault {
  readonly hits: number;
  remove(): void;
}

interface ActiveFault {
  readonly match: RequestMatch;
  readonly act: (request: FaultRequest) => Promise<ApiError | undefined>;
  /** Whether an access review tells of it. */
  readonly isDenial: boolean;
  hits: number;
  left: number;
}

type FaultRequest = Omit<LoggedRequest, 'status' | 'atMs'>;

export class ApiFaults {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #watches: ReadonlySet<WatchStream>;
  readonly #cutConnections: () => void;
  readonly #active = new Set<ActiveFault>();

  /** @internal Made by `startSimulatedKubernetes`. */
  constructor(store: ObjectStore, clock: Clock, watches: ReadonlySet<WatchStream>, cutConnections: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#watches = watches;
    this.#cutConnections = cutConnections;
  }

  /** Answers requests with an error instead of doing what they ask. */
  fail(code: FaultCode, match: RequestMatch = {}, options: FailureOptions = {}): Fault {
    return this.#add(match, options.times ?? 1, () => Promise.resolve(failure(code, options)));
  }

  /** Lets requests wait, by the cluster's clock, before they are done. @param times - How many; all by default. */
  delay(delayMs: number, match: RequestMatch = {}, times = Infinity): Fault {
    return this.#add(match, times, async () => {
      await pause(this.#clock, delayMs, { keepAlive: true });
      return undefined;
    });
  }

  /** Refuses for good, as missing permissions do; access reviews tell the same. */
  deny(match: RequestMatch): Fault {
    return this.#add(match, Infinity, (request) => Promise.resolve(refusal(request)), true);
  }

  /** Cuts open watches in the middle, without a goodbye. Returns how many. */
  dropWatches(match: RequestMatch = {}): number {
    return this.#eachWatch(match, (watch) => watch.cut());
  }

  /** Ends open watches properly, as the server does every few minutes. Returns how many. */
  endWatches(match: RequestMatch = {}): number {
    return this.#eachWatch(match, (watch) => watch.end());
  }

  /** Tells open watches that their version is gone (410 within the stream). Returns how many. */
  expireWatches(match: RequestMatch = {}): number {
    return this.#eachWatch(match, (watch) => {
      watch.fail(expired('too old resource version: the history was compacted'));
    });
  }

  /** Sends a bookmark to the open watches that want them, now. Returns how many. */
  sendBookmarks(match: RequestMatch = {}): number {
    return this.#eachWatch(match, (watch) => {
      if (watch.options.bookmarks) watch.sendBookmark();
    });
  }

  /** Forgets all history: watches and continued lists that come back with an older version get 410. */
  compactHistory(): void {
    this.#store.history.forget(this.#store.version);
  }

  /** Cuts every connection, also those of requests that are being answered. */
  cutConnections(): void {
    this.#cutConnections();
  }

  /** Takes back every fault. */
  clear(): void {
    this.#active.clear();
  }

  /** @internal What the faults do to a request: nothing, take time, or answer it. */
  async affect(request: FaultRequest): Promise<void> {
    for (const fault of this.#active) {
      if (!matchesRequest(fault.match, request) || fault.left <= 0) continue;
      fault.hits += 1;
      fault.left -= 1;
      if (fault.left === 0) this.#active.delete(fault);
      const error = await fault.act(request);
      if (error !== undefined) throw error;
    }
  }

  /** @internal Whether {@link deny} stands against a request that somebody asks about. */
  denies(request: FaultRequest): boolean {
    return [...this.#active].some(({ isDenial, match }) => isDenial && matchesRequest(match, request));
  }

  #add(match: RequestMatch, times: number, act: ActiveFault['act'], isDenial = false): Fault {
    const fault: ActiveFault = { match, act, isDenial, hits: 0, left: times };
    this.#active.add(fault);
    const active = this.#active;
    return {
      get hits() {
        return fault.hits;
      },
      remove: () => void active.delete(fault),
    };
  }

  #eachWatch(match: RequestMatch, act: (watch: WatchStream) => void): number {
    const hit = [...this.#watches].filter(({ options: { resource, namespace } }) => {
      return (match.resource ?? resource) === resource && (match.namespace ?? namespace) === namespace;
    });
    for (const watch of hit) act(watch);
    return hit.length;
  }
}

const FAILURES: Readonly<Record<FaultCode, { readonly reason: string; readonly message: string }>> = {
  403: { reason: 'Forbidden', message: 'forbidden: a policy refuses this request' },
  409: {
    reason: 'Conflict',
    message:
      'Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again',
  },
  410: { reason: 'Expired', message: 'too old resource version' },
  429: {
    reason: 'TooManyRequests',
    message: 'the server has received too many requests and has asked us to try again later',
  },
  500: { reason: 'InternalError', message: 'Internal error occurred: etcdserver: leader changed' },
  503: { reason: 'ServiceUnavailable', message: 'the server is currently unable to handle the request' },
  504: { reason: 'Timeout', message: 'Timeout: request did not complete within the allotted timeout' },
};

function failure(code: FaultCode, { retryAfterSeconds = 1, message }: FailureOptions): ApiError {
  const usual = FAILURES[code];
  const retries = code === 429 || code === 503;
  return new ApiError(code, usual.reason, message ?? usual.message, retries ? { retryAfterSeconds } : {});
}

const USER = 'system:serviceaccount:default:simulated';

function refusal(request: FaultRequest): ApiError {
  const { verb, resource = '', namespace, name, subresource } = request;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const group = resource === 'jobs' ? 'batch' : resource === 'leases' ? 'coordination.k8s.io' : '';
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const subject = name === undefined ? '' : ` "${name}"`;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const message = `${qualified}${subject} is forbidden: User "${USER}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
  return new ApiError(403, 'Forbidden', message, { ...(name === undefined ? {} : { name }), kind: resource });
}
