/** What the pods of each node ask for, kept up to date from change to change. */
import type { ResourceList } from '../objects/metadata.ts';
import { keyText } from '../objects/names.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import { addAmounts, podRequests, type Amounts } from '../objects/pod-requests.ts';
import { toUnits } from '../objects/quantity.ts';

interface Placement {
  readonly node: string;
  readonly amounts: Amounts;
  readonly pod: Pod;
}

export class NodeUsage {
  readonly #placements = new Map<string, Placement>();
  readonly #used = new Map<string, Amounts>();

  /** Notes where a pod is now. Returns whether it left a node or ended, so that others may fit. */
  update(pod: Pod): boolean {
    const node = isFinished(pod) ? undefined : pod.spec.nodeName;
    const freed = this.#placements.has(keyText(pod.metadata)) && node === undefined;
    this.remove(pod);
    if (node !== undefined) this.#place(pod, node);
    return freed;
  }

  remove(pod: Pod): void {
    const key = keyText(pod.metadata);
    const placement = this.#placements.get(key);
    if (placement === undefined) return;
    this.#placements.delete(key);
    addAmounts(this.on(placement.node), placement.amounts, -1);
  }

  /** The amounts that are asked for on a node, its pods counted as the resource `pods`. */
  on(node: string): Amounts {
    let used = this.#used.get(node);
    if (used === undefined) this.#used.set(node, (used = {}));
    return used;
  }

  podsOn(node: string): Pod[] {
    return [...this.#placements.values()].filter((placement) => placement.node === node).map(({ pod }) => pod);
  }

  #place(pod: Pod, node: string): void {
    const amounts = { ...podRequests(pod), pods: 1 };
    this.#placements.set(keyText(pod.metadata), { node, amounts, pod });
    addAmounts(this.on(node), amounts);
  }
}

/** The resources of a request that a node has too little left of, in the order of their names. */
export function lacking(asked: Amounts, used: Amounts, allocatable: ResourceList = {}): string[] {
  return Object.entries({ ...asked, pods: 1 })
    .filter(([resource, amount]) => {
      const total = toUnits(resource, allocatable[resource] ?? (resource === 'pods' ? '110' : '0'));
      return amount > 0 && (used[resource] ?? 0) + amount > total;
    })
    .map(([resource]) => resource)
    .sort();
}
