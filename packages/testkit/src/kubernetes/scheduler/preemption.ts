import type { Node } from '../objects/cluster.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import { addAmounts, podRequests } from '../objects/pod-requests.ts';
import { matchesNode } from './node-affinity.ts';
import { lacking, type NodeUsage } from './node-usage.ts';
import { untolerated } from './tolerations.ts';

export interface Preemption {
  readonly node: string;
  readonly victims: readonly Pod[];
}

/**
 * The fewest less important pods, on one node, whose end makes room for a pod. Pods that are ending already count as
 * gone, so that no more is preempted than needed while they do.
 */
export function findVictims(pod: Pod, nodes: readonly Node[], usage: NodeUsage): Preemption | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return undefined;
  let best: Preemption | undefined;
  for (const node of nodes) {
    if (node.spec.unschedulable === true || !matchesNode(pod.spec, node)) continue;
    if (untolerated(node.spec.taints, pod.spec.tolerations) !== undefined) continue;
    const victims = victimsOn(pod, node, usage);
    if (victims === undefined || victims.length === 0) continue;
    if (best === undefined || victims.length < best.victims.length) best = { node: node.metadata.name, victims };
  }
  return best;
}

function victimsOn(pod: Pod, node: Node, usage: NodeUsage): Pod[] | undefined {
  const asked = podRequests(pod);
  const used = { ...usage.on(node.metadata.name) };
  const priority = pod.spec.priority ?? 0;
  const ending = (candidate: Pod): boolean => candidate.metadata.deletionTimestamp !== undefined;
  const candidates = usage
    .podsOn(node.metadata.name)
    .filter((candidate) => !isFinished(candidate) && (candidate.spec.priority ?? 0) < priority)
    .sort(
      (one, other) =>
        Number(ending(other)) - Number(ending(one)) || (one.spec.priority ?? 0) - (other.spec.priority ?? 0),
    );
  const victims: Pod[] = [];
  for (const candidate of candidates) {
    if (lacking(asked, used, node.status.allocatable).length === 0) break;
    addAmounts(used, { ...podRequests(candidate), pods: 1 }, -1);
    victims.push(candidate);
  }
  return lacking(asked, used, node.status.allocatable).length === 0 ? victims : undefined;
}
