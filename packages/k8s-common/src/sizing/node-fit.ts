/** Whether a node takes a worker pod at all: what the scheduler asks of taints, labels and readiness. */
import type { KubeNode, NodeSelectorRequirement, NodeSelectorTerm, Taint, Toleration } from '../api/kube-objects.ts';

/** Where pods may be placed, as the pod's spec says it. */
export interface PlacementRules {
  readonly tolerations: readonly Toleration[];
  /** Labels that a node must have. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Required node affinity: at least one term must hold; none: every node. */
  readonly requiredNodeTerms: readonly NodeSelectorTerm[];
}

const CORDONED: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Why a node takes no pod with these rules, in a few words; `undefined` if it does. */
export function whyUnusable(node: KubeNode, rules: PlacementRules): string | undefined {
  if (node.metadata?.deletionTimestamp !== undefined) return 'is being removed';
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return 'is not ready';
  const taint = taintsOf(node).find((each) => !isTolerated(each, rules.tolerations));
  if (taint !== undefined) return `has the taint ${describeTaint(taint)}`;
  const labels = node.metadata?.labels ?? {};
  const unmet = Object.entries(rules.nodeSelector).find(([key, value]) => labels[key] !== value);
  if (unmet !== undefined) return `lacks the label ${unmet[0]}=${unmet[1]}`;
  if (rules.requiredNodeTerms.length > 0 && !rules.requiredNodeTerms.some((term) => matchesTerm(node, term))) {
    return 'does not match the node affinity';
  }
  return undefined;
}

/** @see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === undefined || key === '' ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
}

/** Taints that keep new pods away; `PreferNoSchedule` does not. Cordoning counts as its taint, also before it is set. */
function taintsOf({ spec }: KubeNode): readonly Taint[] {
  const hard = (spec?.taints ?? []).filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return spec?.unschedulable === true ? [...hard, CORDONED] : hard;
}

const describeTaint = ({ key, value, effect }: Taint): string =>
  `${key}${value === undefined || value === '' ? '' : `=${value}`}:${effect}`;

/** A term without any requirement matches no node. */
function matchesTerm(node: KubeNode, { matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata?.labels ?? {};
  const fields = { 'metadata.name': node.metadata?.name ?? '' };
  return (
    matchExpressions.every((requirement) => holds(labels, requirement)) &&
    matchFields.every((requirement) => holds(fields, requirement))
  );
}

function holds(
  from: Readonly<Record<string, string>>,
  { key, operator, values = [] }: NodeSelectorRequirement,
): boolean {
  const value = from[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) > BigInt(values[0]);
    case 'Lt':
      return isInteger(value) && isInteger(values[0]) && BigInt(value) < BigInt(values[0]);
  }
}

const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?[0-9]+$/.test(text);
