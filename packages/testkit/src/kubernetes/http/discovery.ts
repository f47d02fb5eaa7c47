/** What clients ask to learn what the server serves: `kubectl` does before anything else. */
import { apiVersionOf, RESOURCES, type Resource } from '../registry/resources.ts';

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

export const SIMULATED_VERSION = {
  major: '1',
  minor: '31',
  gitVersion: 'v1.31.0+simulated',
  gitTreeState: 'clean',
  goVersion: 'none',
  compiler: 'none',
  platform: 'linux/amd64',
} as const;

/** The document at a path, or undefined if the path is not about discovery. */
export function discoveryDocument(path: string, address: string): unknown {
  if (path === '/version') return SIMULATED_VERSION;
  if (path === '/api') {
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: address }];
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs };
  }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups() };
  const groupVersion = /^\/(?:api|apis)\/(.+)$/.exec(path)?.[1];
  const served = Object.values(RESOURCES).filter((resource) => apiVersionOf(resource) === groupVersion);
  if (groupVersion === 'authorization.k8s.io/v1') return resourceList(groupVersion, [ACCESS_REVIEWS]);
  if (groupVersion === undefined || served.length === 0) return undefined;
  return resourceList(groupVersion, served.flatMap(describe));
}

const ACCESS_REVIEWS = {
  name: 'selfsubjectaccessreviews',
  singularName: 'selfsubjectaccessreview',
  namespaced: false,
  kind: 'SelfSubjectAccessReview',
  verbs: ['create'],
};

function resourceList(groupVersion: string, resources: readonly unknown[]): unknown {
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function groups(): unknown[] {
  const names = new Set(Object.values(RESOURCES).map(({ group }) => group));
  names.delete('');
  return [...names, 'authorization.k8s.io'].map((name) => {
    const version = { groupVersion: `${name}/v1`, version: 'v1' };
    return { name, versions: [version], preferredVersion: version };
  });
}

function describe({ name, singular, namespaced, kind, shortNames, hasStatus }: Resource): unknown[] {
  const entry = { name, singularName: singular, namespaced, kind, verbs: ALL_VERBS, shortNames };
  const subresource = (suffix: string, verbs: string[], subKind = kind): unknown => {
    return { name: `${name}/${suffix}`, singularName: '', namespaced, kind: subKind, verbs };
  };
  const described: unknown[] = [entry];
  if (hasStatus) described.push(subresource('status', ['get', 'patch', 'update']));
  if (name !== 'pods') return described;
  return [
    ...described,
    subresource('log', ['get']),
    { ...(subresource('eviction', ['create'], 'Eviction') as object), group: 'policy', version: 'v1' },
    subresource('binding', ['create'], 'Binding'),
    subresource('proxy', ['create', 'delete', 'get', 'patch', 'update'], 'PodProxyOptions'),
  ];
}
