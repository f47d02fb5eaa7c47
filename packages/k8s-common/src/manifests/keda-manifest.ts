import { stringify } from 'yaml';
import { fixedWorkerSize } from '../sizing/worker-size.ts';
import type { KubernetesOptions } from '../worker-pod/kubernetes-options.ts';
import { poolLabels, poolPrefix, type PoolIdentity } from '../worker-pod/pool-identity.ts';
import { workerPod } from '../worker-pod/worker-pod.ts';
import { InvalidArgumentError } from '@splitrock/core/plugin';

export interface KedaManifestOptions {
  readonly identity: PoolIdentity;
  readonly options: KubernetesOptions;
  /** The Secret with the workers' bootstrap. */
  readonly bootstrapSecret: string;
  /** A regular expression that the names of the pool's job queues match, and no others. */
  readonly queuePattern: string;
  /** The Secret, and its key, with the address of RabbitMQ's management API: `https://user:password@host:15671/vhost`. */
  readonly managementUrl: { readonly secret: string; readonly key: string };
}

/**
 * Lets KEDA (2.10 or later) make the workers, so that there are some although no client is there: a `ScaledJob` that
 * counts the messages of all the pool's job queues. Optional: clients make workers without it.
 *
 * @throws InvalidArgumentError for workers that are sized to nodes: KEDA's are all alike.
 */
export function kedaManifest({ identity, options, ...given }: KedaManifestOptions): string {
  const { sizing } = options;
  if (sizing.kind !== 'fixed') {
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      `KEDA makes workers that are all alike [sizing=${sizing.kind}]; use sizing.kind: fixed.`,
    );
  }
  const name = poolPrefix(identity);
  const { namespace } = identity;
  const size = fixedWorkerSize(sizing, options);
  const plan = { name, identity, size, secretName: given.bootstrapSecret, place: 'any', madeBy: 'keda' };
  const { metadata, spec } = workerPod(plan, options);
  const labels = poolLabels(identity, 'worker', options.labels);
  const authentication = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: { name, namespace, labels },
    spec: { secretTargetRef: [{ parameter: 'host', name: given.managementUrl.secret, key: given.managementUrl.key }] },
  };
  const trigger = {
    type: 'rabbitmq',
    metadata: {
      protocol: 'http',
      useRegex: 'true',
      operation: 'sum',
      queueName: given.queuePattern,
      mode: 'QueueLength',
      value: String(size.slots),
    },
    authenticationRef: { name },
  };
  const job = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name, namespace, labels },
    spec: {
      jobTargetRef: {
        // A worker that fails gives its calls back to the broker; whether there is to be another follows from the queues.
        backoffLimit: 0,
        ttlSecondsAfterFinished: 60,
        template: { metadata: { labels: metadata?.labels, annotations: metadata?.annotations }, spec },
      },
      minReplicaCount: options.minWorkers,
      maxReplicaCount: options.maxWorkers,
      pollingInterval: 5,
      successfulJobsHistoryLimit: 0,
      failedJobsHistoryLimit: 5,
      // Messages that a worker holds are counted until they are done: workers that run are counted against them.
      scalingStrategy: { strategy: 'default' },
      triggers: [trigger],
    },
  };
  return [authentication, job]
    .map((each) => stringify(each, { aliasDuplicateObjects: false, singleQuote: true }))
    .join('---\n');
}
