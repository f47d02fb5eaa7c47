/** Pod Security admission: the levels "baseline" and "restricted", enforced by a label of the namespace. */
import { forbidden } from '../api-error.ts';
import type { Container, Pod, Volume } from '../objects/pod.ts';
import { RESOURCES } from '../registry/resources.ts';
import type { ObjectStore } from '../store/object-store.ts';

const ENFORCE = 'pod-security.kubernetes.io/enforce';
const RESTRICTED_VOLUMES: readonly (keyof Volume)[] = ['secret', 'configMap', 'emptyDir', 'downwardAPI'];

export function admitPodSecurity(store: ObjectStore, pod: Pod): void {
  const labels = store.get('namespaces', { name: pod.metadata.namespace ?? '' })?.metadata.labels ?? {};
  const level = labels[ENFORCE] ?? 'privileged';
  if (level !== 'baseline' && level !== 'restricted') return;
  const violations = [...baseline(pod), ...(level === 'restricted' ? restricted(pod) : [])];
  if (violations.length === 0) return;
  const version = labels[`${ENFORCE}-version`] ?? 'latest';
  const why = `violates PodSecurity "${level}:${version}": ${violations.join(', ')}`;
  throw forbidden(RESOURCES.pods, pod.metadata.name, why);
}

function baseline(pod: Pod): string[] {
  const { spec } = pod;
  const violations: string[] = [];
  const host = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
  if (host.length > 0) violations.push(`host namespaces (${host.map((field) => `${field}=true`).join(', ')})`);
  const paths = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined);
  if (paths.length > 0)
    violations.push(
      `hostPath volumes (${plural(
        'volume',
        paths.map(({ name }) => name),
      )})`,
    );
  const privileged = offenders(pod, ({ securityContext }) => securityContext?.privileged === true);
  if (privileged !== '') violations.push(`privileged (${privileged} must not set securityContext.privileged=true)`);
  return violations;
}

function restricted(pod: Pod): string[] {
  const { spec } = pod;
  const violations: string[] = [];
  const complain = (rule: string, who: string, must: string): void => {
    if (who !== '') violations.push(`${rule} (${who} must ${must})`);
  };
  const escalating = offenders(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  complain('allowPrivilegeEscalation != false', escalating, 'set securityContext.allowPrivilegeEscalation=false');
  const capable = offenders(pod, ({ securityContext }) => {
    const { drop = [], add = [] } = securityContext?.capabilities ?? {};
    return !drop.includes('ALL') || add.some((capability) => capability !== 'NET_BIND_SERVICE');
  });
  complain('unrestricted capabilities', capable, 'set securityContext.capabilities.drop=["ALL"]');
  const volumes = (spec.volumes ?? []).filter(
    (volume) => !RESTRICTED_VOLUMES.some((type) => volume[type] !== undefined),
  );
  if (volumes.length > 0)
    violations.push(
      `restricted volume types (${plural(
        'volume',
        volumes.map(({ name }) => name),
      )})`,
    );
  const root = offenders(
    pod,
    ({ securityContext }) => (securityContext?.runAsNonRoot ?? spec.securityContext?.runAsNonRoot) !== true,
  );
  complain('runAsNonRoot != true', podOr(root), 'set securityContext.runAsNonRoot=true');
  const zero = offenders(
    pod,
    ({ securityContext }) => (securityContext?.runAsUser ?? spec.securityContext?.runAsUser) === 0,
  );
  complain('runAsUser=0', podOr(zero), 'not set runAsUser=0');
  const unprofiled = offenders(pod, ({ securityContext }) => {
    const type = (securityContext?.seccompProfile ?? spec.securityContext?.seccompProfile)?.type;
    return type !== 'RuntimeDefault' && type !== 'Localhost';
  });
  complain(
    'seccompProfile',
    podOr(unprofiled),
    'set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"',
  );
  return violations;
}

function podOr(containers: string): string {
  return containers === '' ? '' : `pod or ${containers}`;
}

function offenders({ spec }: Pod, offends: (container: Container) => boolean): string {
  const names = [...(spec.initContainers ?? []), ...spec.containers].filter(offends).map(({ name }) => name);
  return names.length === 0 ? '' : plural('container', names);
}

function plural(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? '' : 's'} ${names.map((name) => `"${name}"`).join(', ')}`;
}
