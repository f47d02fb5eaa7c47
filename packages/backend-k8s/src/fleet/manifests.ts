/** The Kubernetes Jobs of workers and of the master. */
import {
  LABELS,
  bootstrapSecret,
  poolLabels,
  workerPod,
  type KubeJob,
  type KubernetesOptions,
  type PoolBootstrap,
  type PoolIdentity,
  type Secret,
  type WorkerPodPlan,
} from '@splitrock/k8s-common';

/** A pod that is killed is made again, however often: calls have their own limits, and jobs an end. */
const BACKOFF_LIMIT = 1_000_000;

export interface JobPlan extends Omit<WorkerPodPlan, 'identity' | 'secretName'> {
  readonly identity: PoolIdentity;
  readonly parallelism: number;
  /** Labels by which the job's objects are found. */
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds after its end for which Kubernetes keeps it. */
  readonly keepSeconds: number;
}

export function kubeJob(plan: JobPlan, options: KubernetesOptions): KubeJob {
  const { name, identity, parallelism, labels, keepSeconds, component = 'worker' } = plan;
  const { metadata, spec } = workerPod(
    { ...plan, secretName: name },
    {
      ...options,
      labels: { ...options.labels, ...labels },
      tolerations: soonReplaced(options.tolerations),
      // What workers want of each other is not for the master: kept apart from it, one node fewer would be theirs.
      ...(component === 'master' ? { affinity: nodesOnly(options.affinity) } : {}),
    },
  );
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: identity.namespace,
      labels: poolLabels(identity, component, { ...options.labels, ...labels }),
    },
    spec: {
      parallelism,
      backoffLimit: BACKOFF_LIMIT,
      ttlSecondsAfterFinished: keepSeconds,
      template: {
        metadata: {
          ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
          ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
        },
        // The master is started again where it is: its address stays, and so does its place.
        ...(spec === undefined
          ? {}
          : { spec: { ...spec, restartPolicy: component === 'master' ? 'OnFailure' : 'Never' } }),
      },
    },
  };
}

/**
 * A pod on a node that is not heard of is replaced after so long, by its Kubernetes Job. Five minutes would be usual, for
 * which a job would have no master; by then its calls wait elsewhere anyway.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
const NODE_AWAY_SECONDS = 10;
const NODE_AWAY_TAINTS = ['node.kubernetes.io/unreachable', 'node.kubernetes.io/not-ready'];

/** What the user says of these taints, or of all, counts. */
function soonReplaced(given: KubernetesOptions['tolerations']): KubernetesOptions['tolerations'] {
  const open = NODE_AWAY_TAINTS.filter((taint) => !given.some(({ key = '' }) => key === '' || key === taint));
  const own = open.map((key) => ({
    key,
    operator: 'Exists' as const,
    effect: 'NoExecute' as const,
    tolerationSeconds: NODE_AWAY_SECONDS,
  }));
  return [...given, ...own];
}

const nodesOnly = ({ nodeAffinity }: KubernetesOptions['affinity']): KubernetesOptions['affinity'] =>
  nodeAffinity === undefined ? {} : { nodeAffinity };

/** What the pods of a Kubernetes Job read when they start. It goes with that Job. */
export function jobSecret(job: KubeJob, identity: PoolIdentity, bootstrap: PoolBootstrap): Secret {
  const { name = '', uid = '', labels = {} } = job.metadata ?? {};
  const { metadata, ...secret } = bootstrapSecret(identity, bootstrap);
  const own = Object.fromEntries(Object.entries(labels).filter(([key]) => !(key in (metadata?.labels ?? {}))));
  return {
    ...secret,
    metadata: {
      ...metadata,
      name,
      labels: { ...own, ...metadata?.labels },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }],
    },
  };
}

/** @param executorId - Of the executor that makes it. */
export const jobLabels = (executorId: string, jobId?: string): Readonly<Record<string, string>> => ({
  [LABELS.executor]: executorId,
  ...(jobId === undefined ? {} : { [LABELS.job]: jobId }),
});
