/** What the user of a pool must be allowed to do: one list, from which manifests are written and accounts are checked. */

export interface Permission {
  readonly resource: 'pods' | 'pods/proxy' | 'jobs' | 'secrets' | 'events' | 'nodes';
  /** Absent: the core group. */
  readonly group?: 'batch';
  readonly verbs: readonly string[];
  /** In the pool's namespace only, or everywhere. */
  readonly scope: 'namespace' | 'cluster';
  readonly why: string;
}

export interface PermissionNeeds {
  /** Whether workers are sized to nodes: that needs to see all nodes, and what runs on them. */
  readonly perNode: boolean;
  /** Whether pods are made by Jobs and a master among them is asked through the API: the backend `k8s`. */
  readonly jobs?: boolean;
}

const ALWAYS: readonly Permission[] = [
  {
    resource: 'pods',
    verbs: ['create', 'delete', 'list', 'watch'],
    scope: 'namespace',
    why: 'make workers, follow them, remove those that ended',
  },
  {
    resource: 'secrets',
    verbs: ['create', 'delete'],
    scope: 'namespace',
    why: 'bring workers their bootstrap; no secret is ever read',
  },
  { resource: 'events', verbs: ['list'], scope: 'namespace', why: 'say why a worker does not start' },
];

const PER_NODE: readonly Permission[] = [
  { resource: 'nodes', verbs: ['list', 'watch'], scope: 'cluster', why: 'size workers to nodes' },
  { resource: 'pods', verbs: ['list', 'watch'], scope: 'cluster', why: 'know what is free on nodes' },
];

const JOBS: readonly Permission[] = [
  {
    resource: 'jobs',
    group: 'batch',
    verbs: ['create', 'delete', 'list'],
    scope: 'namespace',
    why: 'make the workers of a job and the master, and remove them',
  },
  { resource: 'pods/proxy', verbs: ['create'], scope: 'namespace', why: 'ask the master from outside the cluster' },
];

export const requiredPermissions = ({ perNode, jobs = false }: PermissionNeeds): readonly Permission[] => [
  ...ALWAYS,
  ...(jobs ? JOBS : []),
  ...(perNode ? PER_NODE : []),
];
