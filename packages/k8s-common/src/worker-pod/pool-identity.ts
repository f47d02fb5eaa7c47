/** Which pool a pod or a secret belongs to, and how both are named and labelled. */
import { encodeKubeName } from './kube-names.ts';

export const LABELS = {
  tenant: 'splitrock.dev/tenant',
  pool: 'splitrock.dev/pool',
  component: 'splitrock.dev/component',
  /** The executor whose calls a worker runs, where it runs those of one only. */
  executor: 'splitrock.dev/executor',
  /** The job whose calls a worker runs, likewise. */
  job: 'splitrock.dev/job',
} as const;

/** What an object of a pool is there for. A master assigns calls to workers. */
export type PoolComponent = 'worker' | 'master' | 'bootstrap';

export const ANNOTATIONS = {
  /** Calls that the worker runs at once. */
  slots: 'splitrock.dev/slots',
  /** Where the worker belongs among its pool's: the same word for workers that stand in for each other. */
  place: 'splitrock.dev/place',
  /** The executor that made the pod, which takes it away again if it never started and nobody waits any more. */
  madeBy: 'splitrock.dev/made-by',
} as const;

/** Names a pool: workers of one tenant that are alike, so that any of them can run any of the pool's calls. */
export interface PoolIdentity {
  readonly tenant: string;
  readonly namespace: string;
  /** A hash of what makes the workers alike: image, resources, slots, plugins. `[a-z0-9-]`, at most 24 characters. */
  readonly pool: string;
}

/** On every object of a pool, over the user's own labels. */
export function poolLabels(
  { tenant, pool }: PoolIdentity,
  component: PoolComponent,
  own: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    ...own,
    'app.kubernetes.io/name': 'splitrock',
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/managed-by': 'splitrock',
    [LABELS.tenant]: encodeKubeName(tenant),
    [LABELS.pool]: encodeKubeName(pool),
    [LABELS.component]: component,
  };
}

/** Selects the objects of a pool, or of all pools of a tenant. */
export function poolSelector(
  { tenant, pool }: { readonly tenant: string; readonly pool?: string },
  component: PoolComponent,
): string {
  return [
    `${LABELS.component}=${component}`,
    `${LABELS.tenant}=${encodeKubeName(tenant)}`,
    ...(pool === undefined ? [] : [`${LABELS.pool}=${encodeKubeName(pool)}`]),
  ].join(',');
}

/** What the names of a pool's objects begin with: at most 38 characters, so that 25 are left for the rest. */
export const poolPrefix = ({ tenant, pool }: PoolIdentity): string =>
  `splitrock-${encodeKubeName(tenant, 14)}-${encodeKubeName(pool, 13)}`;
