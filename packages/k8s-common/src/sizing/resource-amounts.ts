/** Amounts of resources as whole numbers, and what a pod asks for as the scheduler counts it. */
import { cpuMillis, wholeUnits } from '../quantities/quantity.ts';
import type { Container, Pod, Quantities } from '../api/kube-objects.ts';

/** By resource name; `cpu` in thousandths, `memory` and `ephemeral-storage` in bytes, all others in pieces. */
export type ResourceAmounts = Readonly<Record<string, number>>;

/** @param rounding - `up` for what is asked for, `down` for what there is. */
export function amountsOf(quantities: Quantities | undefined, rounding: 'up' | 'down'): ResourceAmounts {
  const entries = Object.entries(quantities ?? {});
  return Object.fromEntries(
    entries.map(([name, text]) => [name, name === 'cpu' ? cpuMillis(text, rounding) : wholeUnits(text, rounding)]),
  );
}

export const addAmounts = (a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts => combine(a, b, (x, y) => x + y);

/** May go below zero: a node can hold more than it says it has room for. */
export const subtractAmounts = (a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts =>
  combine(a, b, (x, y) => x - y);

/** The names of what is asked for and not there, in the order in which it was asked for; empty: it fits. */
export const lacking = (asked: ResourceAmounts, free: ResourceAmounts): readonly string[] =>
  Object.keys(asked).filter((name) => (asked[name] ?? 0) > 0 && (asked[name] ?? 0) > (free[name] ?? 0));

/**
 * What a pod takes from its node: its containers together, or its greediest init container if that is more, plus the
 * overhead of its runtime class. Init containers that keep running (sidecars) count with the containers, and with each
 * init container that starts after them. One of `pods` is always taken.
 */
export function podRequests(pod: Pod): ResourceAmounts {
  let sidecars: ResourceAmounts = {};
  let peak: ResourceAmounts = {};
  for (const container of pod.spec?.initContainers ?? []) {
    const own = requestsOf(container);
    if (container.restartPolicy === 'Always') {
      sidecars = addAmounts(sidecars, own);
      peak = maximum(peak, sidecars);
    } else {
      peak = maximum(peak, addAmounts(sidecars, own));
    }
  }
  const together = (pod.spec?.containers ?? []).map(requestsOf).reduce(addAmounts, sidecars);
  const overhead = amountsOf(pod.spec?.overhead, 'up');
  return { ...addAmounts(maximum(peak, together), overhead), pods: 1 };
}

/** A limit without a request is the request too. */
const requestsOf = ({ resources }: Container): ResourceAmounts => ({
  ...amountsOf(resources?.limits, 'up'),
  ...amountsOf(resources?.requests, 'up'),
});

const maximum = (a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts => combine(a, b, Math.max);

function combine(a: ResourceAmounts, b: ResourceAmounts, by: (a: number, b: number) => number): ResourceAmounts {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, by(a[name] ?? 0, b[name] ?? 0)]));
}
