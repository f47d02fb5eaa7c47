/**
 * The manifest of a worker pod. It meets Pod Security "restricted", goes through the scheduler, and holds no credentials.
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
import type { Pod } from '../api/kube-objects.ts';
import { formatBytes, formatCpu } from '../quantities/quantity.ts';
import { HOSTNAME_LABEL } from '../sizing/node-room.ts';
import type { ResourceAmounts } from '../sizing/resource-amounts.ts';
import type { WorkerSize } from '../sizing/worker-size.ts';
import { BOOTSTRAP_FILE } from './bootstrap-secret.ts';
import type { KubernetesOptions } from './kubernetes-options.ts';
import { ANNOTATIONS, poolLabels, type PoolComponent, type PoolIdentity } from './pool-identity.ts';

export const WORKER_CONTAINER = 'worker';
export const BOOTSTRAP_VOLUME = 'bootstrap';
const BOOTSTRAP_FOLDER = '/etc/splitrock';

export interface WorkerPodPlan {
  readonly name: string;
  readonly identity: PoolIdentity;
  readonly size: WorkerSize;
  readonly secretName: string;
  readonly place: string;
  /** The executor that makes it. */
  readonly madeBy: string;
  /** What it is there for. @defaultValue `worker` */
  readonly component?: PoolComponent;
  /** What its program is told beside where its bootstrap is. */
  readonly args?: readonly string[];
  /** The only node it may run on, by the value of its hostname label. Without: the scheduler's choice. */
  readonly hostname?: string;
}

export function workerPod(plan: WorkerPodPlan, options: KubernetesOptions): Pod {
  const { name, identity, size, place, madeBy, component = 'worker' } = plan;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: identity.namespace,
      labels: poolLabels(identity, component, options.labels),
      annotations: {
        ...options.annotations,
        [ANNOTATIONS.slots]: String(size.slots),
        [ANNOTATIONS.place]: place,
        [ANNOTATIONS.madeBy]: madeBy,
      },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: options.terminationGraceSeconds,
      securityContext: podSecurity(options),
      ...placement(plan, options),
      ...given('serviceAccountName', options.serviceAccount),
      ...given('priorityClassName', options.priorityClass),
      ...given('runtimeClassName', options.runtimeClass),
      imagePullSecrets: options.imagePullSecrets.map((secret) => ({ name: secret })),
      containers: [workerContainer(plan, options)],
      volumes: volumes(plan, options),
    },
  };
}

function workerContainer(
  { size, component, args = [] }: WorkerPodPlan,
  options: KubernetesOptions,
): NonNullable<Pod['spec']>['containers'][0] {
  const { readOnlyRootFilesystem, addCapabilities } = options.securityContext;
  return {
    name: WORKER_CONTAINER,
    image: options.image,
    imagePullPolicy: options.imagePullPolicy,
    args: ['--bootstrap', `${BOOTSTRAP_FOLDER}/${BOOTSTRAP_FILE}`, ...args],
    env: [
      ...Object.entries(options.env).map(([name, value]) => ({ name, value: literalText(value) })),
      fieldVariable('SPLITROCK_WORKER_ID', 'metadata.name'),
      fieldVariable('SPLITROCK_NODE_NAME', 'spec.nodeName'),
      // Others must find it.
      ...(component === 'master' ? [fieldVariable('SPLITROCK_POD_IP', 'status.podIP')] : []),
      { name: 'SPLITROCK_WORKER_PROCESSES', value: String(size.workerProcesses) },
      // The root file system is read-only; whoever looks for a home or a temporary folder finds a place to write.
      ...['HOME', 'TMPDIR'].filter((name) => !(name in options.env)).map((name) => ({ name, value: '/tmp' })),
    ],
    envFrom: options.envFromSecrets.map((name) => ({ secretRef: { name } })),
    resources: { requests: quantitiesOf(size.requests), limits: quantitiesOf(size.limits) },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem,
      capabilities: { drop: ['ALL'], ...(addCapabilities.length === 0 ? {} : { add: addCapabilities }) },
    },
    // A worker that dies leaves the end of its log in its status: the first thing to look at.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: BOOTSTRAP_VOLUME, mountPath: BOOTSTRAP_FOLDER, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      ...options.volumes.map(({ mountPath, subPath, readOnly, emptyDir }, index) => ({
        name: volumeName(index),
        mountPath,
        readOnly: readOnly ?? emptyDir === undefined,
        ...given('subPath', subPath),
      })),
    ],
  };
}

function podSecurity({ runAsUser, securityContext }: KubernetesOptions): Record<string, unknown> {
  const { readOnlyRootFilesystem: _, addCapabilities: __, ...ofPod } = securityContext;
  return {
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
    ...(runAsUser === 'cluster' ? {} : { runAsUser, runAsGroup: runAsUser, fsGroup: runAsUser }),
    ...ofPod,
  };
}

function volumes({ secretName }: WorkerPodPlan, options: KubernetesOptions): readonly unknown[] {
  const disk = options.ephemeralStorage;
  return [
    { name: BOOTSTRAP_VOLUME, secret: { secretName, defaultMode: 0o440 } },
    { name: 'tmp', emptyDir: disk === undefined ? {} : { sizeLimit: disk } },
    ...options.volumes.map(({ claim, configMap, secret, emptyDir, readOnly }, index) => ({
      name: volumeName(index),
      ...(claim === undefined ? {} : { persistentVolumeClaim: { claimName: claim, readOnly: readOnly ?? true } }),
      ...(configMap === undefined ? {} : { configMap: { name: configMap } }),
      ...(secret === undefined ? {} : { secret: { secretName: secret, defaultMode: 0o440 } }),
      ...given('emptyDir', emptyDir),
    })),
  ];
}

function placement({ hostname }: WorkerPodPlan, options: KubernetesOptions): Record<string, unknown> {
  const { nodeSelector, tolerations, affinity } = options;
  return {
    nodeSelector,
    tolerations,
    affinity: hostname === undefined ? affinity : onNode(affinity, hostname),
  };
}

/** Terms are alternatives, so each of them must name the node. `nodeName` would go past the scheduler. */
function onNode(affinity: KubernetesOptions['affinity'], hostname: string): KubernetesOptions['affinity'] {
  const asked = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}];
  const itself = { key: HOSTNAME_LABEL, operator: 'In' as const, values: [hostname] };
  const nodeSelectorTerms = asked.map((term) => ({
    ...term,
    matchExpressions: [...(term.matchExpressions ?? []), itself],
  }));
  return {
    ...affinity,
    nodeAffinity: { ...affinity.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
}

const fieldVariable = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } });

const volumeName = (index: number): string => `volume-${index}`;

/** Kubernetes expands `$(NAME)` in values; the user wrote a value, not a template. */
const literalText = (value: string): string => value.replaceAll('$(', '$$$$(');

const given = (name: string, value: unknown): Record<string, unknown> => (value === undefined ? {} : { [name]: value });

function quantitiesOf(amounts: ResourceAmounts): Record<string, string> {
  const entries = Object.entries(amounts);
  return Object.fromEntries(
    entries.map(([name, amount]) => {
      if (name === 'cpu') return [name, formatCpu(amount)];
      return [name, name === 'memory' || name === 'ephemeral-storage' ? formatBytes(amount) : String(amount)];
    }),
  );
}
