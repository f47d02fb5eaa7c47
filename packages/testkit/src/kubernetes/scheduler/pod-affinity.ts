import type { PodAffinityTerm } from '../objects/affinity.ts';
import type { Node } from '../objects/cluster.ts';
import type { Pod } from '../objects/pod.ts';
import { matchesLabels, requirementsOf } from '../store/selectors.ts';
import type { NodeUsage } from './node-usage.ts';

/** The scheduler's words if other pods keep this one off a node, or if pods that it wants beside it are missing. */
export function violatesPodAffinity(
  pod: Pod,
  node: Node,
  nodes: readonly Node[],
  usage: NodeUsage,
): string | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const beside = (term: PodAffinityTerm): boolean =>
    podsInTopology(term, node, nodes, usage).some((other) => isMeant(term, pod, other));
  const wanted = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  // The first of pods that want each other has nobody to join.
  const missing = wanted.some((term) => !beside(term) && !isMeant(term, pod, pod));
  if (missing) return "node(s) didn't match pod affinity rules";
  const unwanted = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return unwanted.some(beside) ? "node(s) didn't match pod anti-affinity rules" : undefined;
}

function podsInTopology({ topologyKey }: PodAffinityTerm, node: Node, nodes: readonly Node[], usage: NodeUsage): Pod[] {
  const place = node.metadata.labels?.[topologyKey];
  if (place === undefined) return [];
  return nodes
    .filter(({ metadata }) => metadata.labels?.[topologyKey] === place)
    .flatMap(({ metadata }) => usage.podsOn(metadata.name));
}

function isMeant(term: PodAffinityTerm, pod: Pod, other: Pod): boolean {
  const namespaces = term.namespaces ?? [pod.metadata.namespace];
  return (
    term.labelSelector !== undefined &&
    namespaces.includes(other.metadata.namespace ?? '') &&
    matchesLabels(requirementsOf(term.labelSelector), other.metadata.labels)
  );
}
