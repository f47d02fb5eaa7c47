/** What is free on the nodes: allocatable, less what the pods there ask for. */
import type { KubeNode, Pod } from '../api/kube-objects.ts';
import { whyUnusable, type PlacementRules } from './node-fit.ts';
import { addAmounts, amountsOf, podRequests, subtractAmounts, type ResourceAmounts } from './resource-amounts.ts';

export interface NodeRoom {
  readonly name: string;
  /** The value of the label by which a pod can ask for this node; differs from its name on some clouds. */
  readonly hostname: string;
  readonly allocatable: ResourceAmounts;
  readonly free: ResourceAmounts;
  /** Why no worker may be placed there; `undefined`: it may. */
  readonly unusable?: string;
}

export const HOSTNAME_LABEL = 'kubernetes.io/hostname';

/**
 * Every node with its room, by name. Pods that have ended take nothing; pods that are being removed still do.
 *
 * @param isOwn - Pods that do not count: their room is the pool's own.
 */
export function nodeRooms(
  nodes: readonly KubeNode[],
  pods: readonly Pod[],
  rules: PlacementRules,
  isOwn: (pod: Pod) => boolean = () => false,
): readonly NodeRoom[] {
  const taken = new Map<string, ResourceAmounts>();
  for (const pod of pods) {
    const node = pod.spec?.nodeName;
    const phase = pod.status?.phase;
    if (node === undefined || phase === 'Succeeded' || phase === 'Failed' || isOwn(pod)) continue;
    taken.set(node, addAmounts(taken.get(node) ?? {}, podRequests(pod)));
  }
  return nodes
    .map((node) => roomOf(node, taken.get(node.metadata?.name ?? '') ?? {}, rules))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function roomOf(node: KubeNode, taken: ResourceAmounts, rules: PlacementRules): NodeRoom {
  const name = node.metadata?.name ?? '';
  const allocatable = amountsOf(node.status?.allocatable, 'down');
  const unusable = whyUnusable(node, rules);
  return {
    name,
    hostname: node.metadata?.labels?.[HOSTNAME_LABEL] ?? name,
    allocatable,
    free: subtractAmounts(allocatable, taken),
    ...(unusable === undefined ? {} : { unusable }),
  };
}
