/** Which node a pod fits on, and in the scheduler's own words why it fits on none. */
import type { Node } from '../objects/cluster.ts';
import { conditionOf } from '../objects/conditions.ts';
import type { Pod } from '../objects/pod.ts';
import { podRequests, type Amounts } from '../objects/pod-requests.ts';
import { toUnits } from '../objects/quantity.ts';
import { matchesNode, preferenceOf } from './node-affinity.ts';
import { lacking, type NodeUsage } from './node-usage.ts';
import { violatesPodAffinity } from './pod-affinity.ts';
import { untolerated } from './tolerations.ts';

export interface Unschedulable {
  /** Why, node by node: the beginning of the `FailedScheduling` event. */
  readonly message: string;
  /** What that event adds if no other pod is preempted either. */
  readonly withoutPreemption: string;
}

export type Placement = { readonly node: Node } | { readonly unschedulable: Unschedulable };

/** The best node for a pod, or why there is none. */
export function choosePlacement(pod: Pod, nodes: readonly Node[], usage: NodeUsage): Placement {
  if (nodes.length === 0) {
    return { unschedulable: { message: 'no nodes available to schedule pods', withoutPreemption: '' } };
  }
  const reasons: string[] = [];
  let helpless = 0;
  let best: { node: Node; score: number } | undefined;
  for (const node of nodes) {
    const obstacles = obstaclesOn(pod, node, nodes, usage);
    reasons.push(...obstacles);
    if (obstacles.some((obstacle) => obstacle.startsWith('node(s)'))) helpless += 1;
    if (obstacles.length > 0) continue;
    const score = scoreOf(pod, node, usage.on(node.metadata.name));
    if (best === undefined || score > best.score) best = { node, score };
  }
  if (best !== undefined) return { node: best.node };
  const message = describeObstacles(reasons, nodes.length);
  return { unschedulable: { message, withoutPreemption: describeNoPreemption(pod, helpless, nodes.length) } };
}

/** Nodes that are wrong for the pod do not become right by taking other pods off them. */
function describeNoPreemption({ spec }: Pod, helpless: number, nodes: number): string {
  if (spec.preemptionPolicy === 'Never') return ' preemption: not eligible due to preemptionPolicy=Never.';
  const told = [
    nodes > helpless ? `${nodes - helpless} No preemption victims found for incoming pod` : '',
    helpless > 0 ? `${helpless} Preemption is not helpful for scheduling` : '',
  ];
  return ` preemption: 0/${nodes} nodes are available: ${told.filter((part) => part !== '').join(', ')}.`;
}

/** Why a pod cannot run on a node; empty if it can. As in the scheduler the first kind of reason hides the others. */
export function obstaclesOn(pod: Pod, node: Node, nodes: readonly Node[], usage: NodeUsage): string[] {
  const { spec } = pod;
  const taint = untolerated(node.spec.taints, spec.tolerations);
  if (
    node.spec.unschedulable === true &&
    !spec.tolerations?.some(({ key }) => key === 'node.kubernetes.io/unschedulable')
  ) {
    return ['node(s) were unschedulable'];
  }
  if (taint !== undefined) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  if (!matchesNode(spec, node)) return ["node(s) didn't match Pod's node affinity/selector"];
  const short = lacking(podRequests(pod), usage.on(node.metadata.name), node.status.allocatable);
  if (short.length > 0) return short.map((name) => (name === 'pods' ? 'Too many pods' : `Insufficient ${name}`));
  const violated = violatesPodAffinity(pod, node, nodes, usage);
  if (violated !== undefined) return [violated];
  const ready = conditionOf(node.status.conditions, 'Ready')?.status === 'True';
  return ready ? [] : ['node(s) were not ready'];
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {gpu: true}.` */
function describeObstacles(reasons: readonly string[], nodes: number): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const told = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${told.join(', ')}.`;
}

/** Preferences first, then the node that is emptiest afterwards, so that pods spread. */
function scoreOf(pod: Pod, node: Node, used: Amounts): number {
  const asked = podRequests(pod);
  const allocatable = node.status.allocatable ?? {};
  const free = ['cpu', 'memory'].map((resource) => {
    const total = toUnits(resource, allocatable[resource] ?? '0');
    return total === 0 ? 0 : (total - (used[resource] ?? 0) - (asked[resource] ?? 0)) / total;
  });
  const pods = (used['pods'] ?? 0) / toUnits('pods', allocatable['pods'] ?? '110');
  return preferenceOf(pod.spec, node) * 10 + (free[0] ?? 0) + (free[1] ?? 0) - pods;
}
