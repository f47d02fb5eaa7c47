import type { Container, Pod, PodSpec, Toleration } from '../objects/pod.ts';

const CONTAINER_DEFAULTS = {
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
} as const;

/** Fills in what a pod's author left out, as the API server does. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always';
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.schedulerName ??= 'default-scheduler';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.enableServiceLinks ??= true;
  spec.securityContext ??= {};
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) defaultContainer(container);
  for (const volume of spec.volumes ?? []) {
    if (volume.secret !== undefined) volume.secret.defaultMode ??= 0o644;
    if (volume.configMap !== undefined) volume.configMap.defaultMode ??= 0o644;
    if (Object.keys(volume).length === 1) volume.emptyDir = {};
  }
}

function defaultContainer(container: Container): void {
  Object.assign(container, { ...CONTAINER_DEFAULTS, ...container });
  container.resources ??= {};
  container.imagePullPolicy ??= hasMovingTag(container.image ?? '') ? 'Always' : 'IfNotPresent';
  const { limits } = container.resources;
  // Who only limits asks for the limit.
  if (limits !== undefined) container.resources.requests = { ...limits, ...container.resources.requests };
  for (const variable of container.env ?? []) {
    if (variable.valueFrom?.fieldRef !== undefined) Object.assign(variable.valueFrom.fieldRef, { apiVersion: 'v1' });
  }
}

function hasMovingTag(image: string): boolean {
  if (image.includes('@')) return false;
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest';
}

/** How long a pod stays on a node that does not answer, unless it says otherwise. */
export function defaultTolerations(spec: PodSpec, tolerationSeconds: number): void {
  const tolerations: Toleration[] = (spec.tolerations ??= []);
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = tolerations.some(
      (toleration) =>
        (toleration.key === key || toleration.key === undefined) &&
        (toleration.effect === 'NoExecute' || toleration.effect === undefined),
    );
    if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds });
  }
}

/** What the pod may count on when its node runs short. */
export function qosClass({ spec }: Pick<Pod, 'spec'>): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const lists = [...(spec.initContainers ?? []), ...spec.containers].map(({ resources }) => resources ?? {});
  const asks = lists.some(({ requests = {}, limits = {} }) => Object.keys({ ...requests, ...limits }).length > 0);
  if (!asks) return 'BestEffort';
  const guaranteed = lists.every(({ requests = {}, limits = {} }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
