/**
 * The Secret that brings a pool's workers their bootstrap: the only place in the cluster where credentials are.
 *
 * Its name has a hash of what it holds and it never changes, so two clients with the same content make the same object
 * and a worker that starts late reads what its pool was made with.
 */
import type { WorkerBootstrap } from '@splitrock/core/plugin';
import { scryptSync } from 'node:crypto';
import type { Secret } from '../api/kube-objects.ts';
import { poolLabels, poolPrefix, type PoolIdentity } from './pool-identity.ts';

export const BOOTSTRAP_FILE = 'bootstrap.json';

/** What all workers of a pool have in common; each has its id, and its number of processes, from its environment. */
export type PoolBootstrap = Omit<WorkerBootstrap, 'workerId'>;

export function bootstrapSecret(
  identity: PoolIdentity,
  bootstrap: PoolBootstrap,
  labels: Readonly<Record<string, string>> = {},
): Secret {
  const content = JSON.stringify(bootstrap);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `${poolPrefix(identity)}-${contentHash(content)}`,
      namespace: identity.namespace,
      labels: poolLabels(identity, 'bootstrap', labels),
    },
    type: 'Opaque',
    immutable: true,
    data: { [BOOTSTRAP_FILE]: Buffer.from(content).toString('base64') },
  };
}

/**
 * Ten hexadecimal digits that stand for a content with credentials. Names of secrets can be read by those who may not
 * read secrets; scrypt makes guessing a weak password from one as costly as it is meant to be.
 */
export const contentHash = (content: string): string =>
  scryptSync(content, 'splitrock.dev/bootstrap', 5).toString('hex');
