import type { KubernetesOptions } from '../worker-pod/kubernetes-options.ts';
import type { PlacementRules } from './node-fit.ts';

/** The rules by which a pool's options let workers onto nodes. */
export function placementRules({
  tolerations,
  nodeSelector,
  affinity,
}: Pick<KubernetesOptions, 'tolerations' | 'nodeSelector' | 'affinity'>): PlacementRules {
  const required = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return { tolerations, nodeSelector, requiredNodeTerms: required?.nodeSelectorTerms ?? [] };
}
