import type { Taint } from '../objects/cluster.ts';
import type { Toleration } from '../objects/pod.ts';

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || value === (taint.value ?? '');
}

/** The first taint that keeps a pod with these tolerations off a node. */
export function untolerated(taints: readonly Taint[] = [], tolerations: readonly Toleration[] = []): Taint | undefined {
  return taints.find(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
