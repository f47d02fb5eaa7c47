/** Looks whether a pool could work here, before anybody waits for it. */
import type { OperationOptions } from '@splitrock/core/plugin';
import { loadKubeAccess } from '../api/kube-access.ts';
import { KubeClient, type AccessQuestion } from '../api/kube-client.ts';
import type { KubernetesOptions } from '../worker-pod/kubernetes-options.ts';
import { requiredPermissions, type PermissionNeeds } from './permissions.ts';

export interface ClusterAccess {
  /** `context prod of /home/ada/.kube/config`. */
  readonly source: string;
  readonly server: string;
  readonly namespace: string;
  /** What is needed and not allowed, as `create pods in namespace work`; empty: all is well. */
  readonly missing: readonly string[];
}

/**
 * Which cluster the options lead to, and what is not allowed there.
 *
 * @throws ConfigError `KUBE_CONFIG_INVALID`; BackendError `BACKEND_UNAVAILABLE` when it does not answer.
 */
export async function checkClusterAccess(
  options: Pick<KubernetesOptions, 'kubeconfig' | 'context' | 'namespace' | 'sizing'> & Pick<PermissionNeeds, 'jobs'>,
  { signal }: OperationOptions = {},
): Promise<ClusterAccess> {
  const access = await loadKubeAccess(options);
  const client = new KubeClient(access);
  const { namespace, source, server } = access;
  try {
    const questions = questionsOf(namespace, {
      perNode: options.sizing.kind === 'per-node',
      jobs: options.jobs === true,
    });
    const answers = await Promise.all(
      questions.map((question) => client.isAllowed(question, signal === undefined ? {} : { signal })),
    );
    const missing = questions.filter((_question, index) => answers[index] !== true).map(describe);
    return { source, server: server.origin, namespace, missing };
  } finally {
    client.close();
  }
}

function questionsOf(namespace: string, needs: PermissionNeeds): readonly AccessQuestion[] {
  return requiredPermissions(needs).flatMap(({ resource, group, verbs, scope }) => {
    const [kind = resource, subresource] = resource.split('/');
    return verbs.map((verb) => ({
      verb,
      resource: kind,
      ...(subresource === undefined ? {} : { subresource }),
      ...(group === undefined ? {} : { group }),
      ...(scope === 'namespace' ? { namespace } : {}),
    }));
  });
}

const describe = ({ verb, resource, subresource, namespace }: AccessQuestion): string => {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${what} ${namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`}`;
};
