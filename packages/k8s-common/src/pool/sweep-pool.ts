import type { OperationOptions } from '@splitrock/core/plugin';
import { PODS, SECRETS, type KubeClient } from '../api/kube-client.ts';
import { poolSelector, type PoolIdentity } from '../worker-pod/pool-identity.ts';
import { bootstrapSecretOf } from './pool-secret.ts';
import { viewPod } from './pod-view.ts';

/**
 * Removes what nobody uses: pods that have ended, the secrets that they had, and one more by name. Workers that run, or
 * will, are left alone with theirs.
 *
 * Secrets are found by name, not by listing: who may list secrets can read all of a namespace. One that is removed just
 * when another client begins to use it is made again by that client.
 */
export async function sweepPool(
  client: KubeClient,
  identity: PoolIdentity,
  ownSecret: string,
  options: OperationOptions,
): Promise<{ readonly pods: number; readonly secrets: number }> {
  const { namespace } = identity;
  const removed = { pods: 0, secrets: 0 };
  const candidates = new Set([ownSecret]);
  const used = new Set<string>();
  const { items } = await client.list(PODS, { namespace, labelSelector: poolSelector(identity, 'worker') }, options);
  for (const pod of items) {
    const { name, uid, phase } = viewPod(pod);
    const secret = bootstrapSecretOf(pod);
    const isLive = phase === 'pending' || phase === 'running' || phase === 'unreachable';
    if (secret !== undefined) (isLive ? used : candidates).add(secret);
    if (phase !== 'succeeded' && phase !== 'failed') continue;
    if (await client.delete(PODS, { name, uid, namespace }, options)) removed.pods += 1;
  }
  for (const name of candidates) {
    if (!used.has(name) && (await client.delete(SECRETS, { name, namespace }, options))) removed.secrets += 1;
  }
  return removed;
}
