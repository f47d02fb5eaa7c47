import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../api-error.ts';
import type { Pod, PodSpec } from '../objects/pod.ts';
import { forbiddenField } from './field-checks.ts';

/** Almost nothing of a pod's spec can change once it is made. */
export function validatePodUpdate(pod: Pod, previous: Pod): FieldCause[] {
  const added = pod.spec.tolerations?.filter(
    (one) => !previous.spec.tolerations?.some((old) => isDeepStrictEqual(one, old)),
  );
  const kept = (pod.spec.tolerations?.length ?? 0) - (added?.length ?? 0);
  if (kept < (previous.spec.tolerations?.length ?? 0)) {
    return [forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
  }
  if (isDeepStrictEqual(withoutMutable(pod.spec), withoutMutable(previous.spec))) return [];
  const mutable =
    '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
  return [forbiddenField('spec', `pod updates may not change fields other than ${mutable}`)];
}

function withoutMutable(spec: PodSpec): unknown {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...fixed } = spec;
  const withoutImage = (containers: PodSpec['containers'] = []): unknown[] =>
    containers.map(({ image: _image, ...rest }) => rest);
  return {
    ...fixed,
    containers: withoutImage(spec.containers),
    initContainers: withoutImage(spec.initContainers),
  };
}
