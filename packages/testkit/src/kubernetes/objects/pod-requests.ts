import type { ResourceList } from './metadata.ts';
import type { Container, Pod, PodSpec } from './pod.ts';
import { toUnits } from './quantity.ts';

/** Amounts by resource, in the units of `toUnits`. */
export type Amounts = Record<string, number>;

/** What a pod asks of its node: the sum of its containers, or the largest of its init containers if that is more. */
export function podRequests(pod: Pick<Pod, 'spec'>): Amounts {
  return sumOf(pod.spec, (container) => container.resources?.requests);
}

export function podLimits(pod: Pick<Pod, 'spec'>): Amounts {
  return sumOf(pod.spec, (container) => container.resources?.limits);
}

export function addAmounts(into: Amounts, amounts: Amounts, sign: 1 | -1 = 1): void {
  for (const [resource, amount] of Object.entries(amounts)) into[resource] = (into[resource] ?? 0) + sign * amount;
}

function sumOf(spec: PodSpec, listOf: (container: Container) => ResourceList | undefined): Amounts {
  const sum: Amounts = {};
  for (const container of spec.containers) addAmounts(sum, amountsOf(listOf(container)));
  for (const container of spec.initContainers ?? []) {
    for (const [resource, amount] of Object.entries(amountsOf(listOf(container)))) {
      sum[resource] = Math.max(sum[resource] ?? 0, amount);
    }
  }
  addAmounts(sum, amountsOf(spec.overhead));
  return sum;
}

function amountsOf(list: ResourceList | undefined): Amounts {
  return Object.fromEntries(Object.entries(list ?? {}).map(([name, text]) => [name, toUnits(name, text)]));
}
