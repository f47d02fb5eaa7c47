import { stringify } from 'yaml';
import { requiredPermissions, type Permission, type PermissionNeeds } from './permissions.ts';

export interface RbacManifestOptions extends PermissionNeeds {
  readonly namespace: string;
  /** Name of the service account, the roles and their bindings. @defaultValue `splitrock` */
  readonly name?: string;
}

/** A service account for clients with the least rights that a pool needs, as YAML for `kubectl apply -f -`. */
export function rbacManifest({ namespace, name = 'splitrock', ...needs }: RbacManifestOptions): string {
  const permissions = requiredPermissions(needs);
  const own = permissions.filter(({ scope }) => scope === 'namespace');
  const everywhere = permissions.filter(({ scope }) => scope === 'cluster');
  // A cluster role is not of a namespace: without it in the name, a second namespace would take the first one's binding.
  const clusterName = `${name}-${namespace}`;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const labels = { 'app.kubernetes.io/name': 'splitrock' };
  const rbac = 'rbac.authorization.k8s.io/v1';
  const binding = (kind: string, role: string) => ({
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
    subjects,
  });
  const documents: object[] = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, labels } },
    { apiVersion: rbac, kind: 'Role', metadata: { name, namespace, labels }, rules: rulesOf(own) },
    { apiVersion: rbac, kind: 'RoleBinding', metadata: { name, namespace, labels }, ...binding('Role', name) },
  ];
  if (everywhere.length > 0) {
    const metadata = { name: clusterName, labels };
    documents.push(
      { apiVersion: rbac, kind: 'ClusterRole', metadata, rules: rulesOf(everywhere) },
      { apiVersion: rbac, kind: 'ClusterRoleBinding', metadata, ...binding('ClusterRole', clusterName) },
    );
  }
  return documents
    .map((document) => stringify(document, { aliasDuplicateObjects: false, singleQuote: true }))
    .join('---\n');
}

const rulesOf = (permissions: readonly Permission[]): readonly object[] =>
  permissions.map(({ resource, group = '', verbs }) => ({ apiGroups: [group], resources: [resource], verbs }));
