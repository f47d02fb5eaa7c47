/** Resource quotas: what a namespace may hold in all. */
import { forbidden } from '../api-error.ts';
import type { ResourceName } from '../objects/cluster.ts';
import type { KubernetesObject, ResourceList } from '../objects/metadata.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import { addAmounts, podLimits, podRequests, type Amounts } from '../objects/pod-requests.ts';
import { formatUnits, toUnits } from '../objects/quantity.ts';
import { RESOURCES } from '../registry/resources.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** How a quota may name the count of a resource. */
const COUNTED: Readonly<Partial<Record<ResourceName, readonly string[]>>> = {
  pods: ['pods', 'count/pods'],
  jobs: ['count/jobs.batch'],
  secrets: ['secrets', 'count/secrets'],
  configmaps: ['configmaps', 'count/configmaps'],
  leases: ['count/leases.coordination.k8s.io'],
};

/** Refuses an object that would take a quota of its namespace beyond its limits. */
export function admitQuota(store: ObjectStore, resource: ResourceName, object: KubernetesObject): void {
  const { name, namespace } = object.metadata;
  for (const quota of store.list('resourcequotas', namespace)) {
    const hard = toAmounts(quota.spec.hard);
    const refuse = (why: string): never => {
      throw forbidden(RESOURCES[resource], name, why);
    };
    const unset = resource === 'pods' ? unsetAmounts(object as Pod, hard) : [];
    if (unset.length > 0) refuse(`failed quota: ${quota.metadata.name}: must specify ${unset.join(',')}`);
    const used = usageOf(store, namespace ?? '', hard);
    const asked = only(chargeOf(resource, object), hard);
    const over = Object.keys(asked)
      .filter((key) => (asked[key] ?? 0) > 0 && (used[key] ?? 0) + (asked[key] ?? 0) > (hard[key] ?? 0))
      .sort();
    if (over.length === 0) continue;
    const told = (amounts: Amounts): string =>
      over.map((key) => `${key}=${formatUnits(key, amounts[key] ?? 0)}`).join(',');
    refuse(
      `exceeded quota: ${quota.metadata.name}, requested: ${told(asked)}, used: ${told(used)}, limited: ${told(hard)}`,
    );
  }
}

/** What is used of each resource that a quota limits, in the form of its status. */
export function quotaUsage(store: ObjectStore, namespace: string, hard: ResourceList = {}): ResourceList {
  const used = usageOf(store, namespace, toAmounts(hard));
  return Object.fromEntries(Object.keys(hard).map((key) => [key, formatUnits(key, used[key] ?? 0)]));
}

function usageOf(store: ObjectStore, namespace: string, hard: Amounts): Amounts {
  const used: Amounts = {};
  for (const resource of Object.keys(COUNTED) as ResourceName[]) {
    for (const object of store.values(resource)) {
      if (object.metadata.namespace === namespace) addAmounts(used, only(chargeOf(resource, object), hard));
    }
  }
  return used;
}

/** What an object costs, under every name that a quota may use for it. */
function chargeOf(resource: ResourceName, object: KubernetesObject): Amounts {
  const counts = Object.fromEntries((COUNTED[resource] ?? []).map((key) => [key, 1]));
  if (resource !== 'pods') return counts;
  const pod = object as Pod;
  // Finished pods still count as objects, but use nothing.
  if (isFinished(pod)) return { 'count/pods': 1 };
  return { ...counts, ...podAmounts(pod) };
}

function podAmounts(pod: Pod): Amounts {
  const amounts: Amounts = {};
  for (const [key, amount] of Object.entries(podRequests(pod))) {
    amounts[`requests.${key}`] = amount;
    if (!key.includes('/')) amounts[key] = amount;
  }
  for (const [key, amount] of Object.entries(podLimits(pod))) amounts[`limits.${key}`] = amount;
  return amounts;
}

const MUST_BE_SET = /^((requests|limits)\.)?(cpu|memory|ephemeral-storage)$/;

/** Under a quota of cpu or memory each pod has to say how much of it it needs. */
function unsetAmounts(pod: Pod, hard: Amounts): string[] {
  const amounts = podAmounts(pod);
  return Object.keys(hard)
    .filter((key) => MUST_BE_SET.test(key) && amounts[key] === undefined)
    .sort();
}

function only(amounts: Amounts, limited: Amounts): Amounts {
  return Object.fromEntries(Object.entries(amounts).filter(([key]) => limited[key] !== undefined));
}

function toAmounts(list: ResourceList = {}): Amounts {
  return Object.fromEntries(Object.entries(list).map(([key, text]) => [key, toUnits(key, text)]));
}
