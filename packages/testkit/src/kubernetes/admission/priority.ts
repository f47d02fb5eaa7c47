import { forbidden } from '../api-error.ts';
import type { Pod } from '../objects/pod.ts';
import { RESOURCES } from '../registry/resources.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Gives the pod the number behind the name of its priority class; refuses names that nobody has defined. */
export function resolvePriority(store: ObjectStore, pod: Pod): void {
  const { spec, metadata } = pod;
  const name = spec.priorityClassName ?? '';
  const chosen =
    name === ''
      ? store.list('priorityclasses').find(({ globalDefault }) => globalDefault === true)
      : store.get('priorityclasses', { name });
  if (name !== '' && chosen === undefined) {
    throw forbidden(RESOURCES.pods, metadata.name, `no PriorityClass with name ${name} was found`);
  }
  const value = chosen?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== value) {
    const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    throw forbidden(RESOURCES.pods, metadata.name, why);
  }
  spec.priority = value;
  spec.preemptionPolicy ??= chosen?.preemptionPolicy ?? 'PreemptLowerPriority';
  if (chosen !== undefined) spec.priorityClassName = chosen.metadata.name;
}
