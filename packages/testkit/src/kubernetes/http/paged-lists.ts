import { badRequest, expired } from '../api-error.ts';
import type { ResourceName } from '../objects/cluster.ts';
import type { KubernetesObject } from '../objects/metadata.ts';
import { apiVersionOf, RESOURCES } from '../registry/resources.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Predicate } from '../store/selectors.ts';

export interface ListRequest {
  readonly resource: ResourceName;
  readonly namespace: string | undefined;
  readonly matches: Predicate;
  /** Whether selectors are in use: then nobody knows how many are left. */
  readonly isSelective: boolean;
  readonly limit: number;
  readonly continueToken: string | null;
}

export interface ObjectList {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly KubernetesObject[];
}

interface Snapshot {
  readonly version: number;
  readonly items: readonly KubernetesObject[];
}

const MAX_SNAPSHOTS = 100;
const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.';

/** Lists, also in pieces: every piece shows what was there when the first was asked for. */
export class PagedLists {
  readonly #store: ObjectStore;
  readonly #snapshots = new Map<string, Snapshot>();
  #tokens = 0;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  list(request: ListRequest): ObjectList {
    const { continueToken, limit } = request;
    const snapshot = continueToken === null ? this.#snapshot(request) : this.#resume(continueToken);
    const items = limit > 0 ? snapshot.items.slice(0, limit) : snapshot.items;
    const rest = snapshot.items.slice(items.length);
    const definition = RESOURCES[request.resource];
    return {
      kind: `${definition.kind}List`,
      apiVersion: apiVersionOf(definition),
      metadata: {
        resourceVersion: String(snapshot.version),
        ...(rest.length === 0 ? {} : { continue: this.#keep({ version: snapshot.version, items: rest }) }),
        ...(rest.length === 0 || request.isSelective ? {} : { remainingItemCount: rest.length }),
      },
      items,
    };
  }

  #snapshot({ resource, namespace, matches }: ListRequest): Snapshot {
    return { version: this.#store.version, items: this.#store.list(resource, namespace).filter(matches) };
  }

  #keep(rest: Snapshot): string {
    this.#tokens += 1;
    const content = { v: 'meta.k8s.io/v1', rv: rest.version, start: String(this.#tokens) };
    const token = Buffer.from(JSON.stringify(content)).toString('base64url');
    this.#snapshots.set(token, rest);
    const [oldest] = this.#snapshots.keys();
    if (this.#snapshots.size > MAX_SNAPSHOTS && oldest !== undefined) this.#snapshots.delete(oldest);
    return token;
  }

  #resume(token: string): Snapshot {
    const snapshot = this.#snapshots.get(token);
    if (snapshot === undefined && !isToken(token)) throw badRequest('continue key is not valid');
    if (snapshot === undefined || snapshot.version < this.#store.history.forgottenUntil) throw expired(TOO_OLD);
    return snapshot;
  }
}

function isToken(token: string): boolean {
  try {
    return (JSON.parse(Buffer.from(token, 'base64url').toString()) as { v?: string }).v === 'meta.k8s.io/v1';
  } catch {
    return false;
  }
}
