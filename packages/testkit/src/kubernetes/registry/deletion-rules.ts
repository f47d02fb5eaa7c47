/** What a request to delete an object asks for, and what it means for the object. */
import { conflict } from '../api-error.ts';
import type { ResourceName } from '../objects/cluster.ts';
import type { KubernetesObject } from '../objects/metadata.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import { RESOURCES, type ObjectOf } from './resources.ts';

export interface DeleteOptions {
  /** Null or absent: what the object's kind has as its default. */
  readonly gracePeriodSeconds?: number | null;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | null;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

export interface Deletion<R extends ResourceName> {
  readonly object: ObjectOf<R>;
  /** Whether it is gone; else it is only marked, and someone finishes what is to be done first. */
  readonly gone: boolean;
}

/** How long an object may take to end, in seconds. */
export function graceOf(resource: ResourceName, object: KubernetesObject, options: DeleteOptions): number {
  if (resource !== 'pods') return 0;
  const pod = object as Pod;
  // Nobody runs it, or nobody does any more: there is nothing to wait for.
  if (pod.spec.nodeName === undefined || isFinished(pod)) return 0;
  return options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

export function checkPreconditions(resource: ResourceName, object: KubernetesObject, options: DeleteOptions): void {
  const { name } = object.metadata;
  const checks = [
    ['UID', options.preconditions?.uid, object.metadata.uid, 'deleted and then recreated'],
    ['ResourceVersion', options.preconditions?.resourceVersion, object.metadata.resourceVersion, 'modified'],
  ] as const;
  for (const [what, wanted, actual, otherwise] of checks) {
    if (wanted === undefined || wanted === actual) continue;
    const differs = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${actual})`;
    throw conflict(RESOURCES[resource], name, `${differs}. The object might have been ${otherwise}`);
  }
}

/** Marks a draft as to be deleted. A later request may bring the time forward, never put it off. */
export function markForDeletion({ metadata }: KubernetesObject, graceSeconds: number, nowMs: number): void {
  const { deletionTimestamp, deletionGracePeriodSeconds: before } = metadata;
  if (deletionTimestamp !== undefined && before !== undefined && before <= graceSeconds) return;
  const beganMs = deletionTimestamp === undefined ? nowMs : Date.parse(deletionTimestamp) - (before ?? 0) * 1000;
  metadata.deletionTimestamp = toTimestamp(beganMs + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
}

const FINALIZERS = { Orphan: 'orphan', Foreground: 'foregroundDeletion', Background: undefined } as const;

/** What is to become of the dependents waits in a finalizer for the garbage collector. */
export function addPropagationFinalizer({ metadata }: KubernetesObject, policy: keyof typeof FINALIZERS): void {
  const finalizer = FINALIZERS[policy];
  const finalizers = metadata.finalizers ?? [];
  if (finalizer !== undefined && !finalizers.includes(finalizer)) metadata.finalizers = [...finalizers, finalizer];
}
