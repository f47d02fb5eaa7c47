import type { NodeSelectorTerm } from '../objects/affinity.ts';
import type { Node } from '../objects/cluster.ts';
import type { PodSpec } from '../objects/pod.ts';
import { matchesLabels, matchesRequirement } from '../store/selectors.ts';

/** Whether a node meets a pod's node selector and required node affinity. */
export function matchesNode(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (Object.entries(spec.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value)) return false;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
}

/** The sum of the weights of the preferences that a node meets. */
export function preferenceOf(spec: PodSpec, node: Node): number {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
}

/** All expressions of a term must match; a term without any matches no node. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const name = (key: string): string | undefined => (key === 'metadata.name' ? node.metadata.name : undefined);
  return (
    matchesLabels(matchExpressions, node.metadata.labels) &&
    matchFields.every((requirement) => matchesRequirement(requirement, name(requirement.key)))
  );
}
