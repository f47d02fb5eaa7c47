/** Everything of a world that is in the cluster, in the broker, and in what backends keep in storage. */
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { BatchV1Api } from '@kubernetes/client-node';
import { controlBroker } from '@splitrock/services';
import { apiClient, core } from './surroundings.ts';
import { useS3, type World } from './world.ts';

const batch = apiClient(BatchV1Api);
/** What Kubernetes itself puts into every namespace. */
const OWN_TYPE = 'kubernetes.io/service-account-token';

/** `kind name`, of every pod, secret, config map and job of the namespace. */
export async function inCluster({ namespace }: World): Promise<readonly string[]> {
  const [pods, secrets, maps, jobs] = await Promise.all([
    core.listNamespacedPod({ namespace }),
    core.listNamespacedSecret({ namespace }),
    core.listNamespacedConfigMap({ namespace }),
    batch.listNamespacedJob({ namespace }),
  ]);
  const named = (kind: string, items: readonly { metadata?: { name?: string } }[]): string[] =>
    items.map(({ metadata }) => `${kind} ${metadata?.name}`);
  return [
    ...named('pod', pods.items),
    ...named(
      'secret',
      secrets.items.filter(({ type }) => type !== OWN_TYPE),
    ),
    ...named(
      'config map',
      maps.items.filter(({ metadata }) => metadata?.name !== 'kube-root-ca.crt'),
    ),
    ...named('job', jobs.items),
  ];
}

/** `kind name`, of every queue and stream, and every exchange that is not the broker's own; with `connection` for each. */
export async function inBroker({ tenant: virtualHost }: World): Promise<readonly string[]> {
  const [queues, exchanges, connections] = await Promise.all([
    listed('list_queues', '-p', virtualHost, 'type', 'name'),
    listed('list_exchanges', '-p', virtualHost, 'name'),
    listed('list_connections', 'vhost', 'client_properties'),
  ]);
  return [
    ...queues,
    ...exchanges.filter((name) => name !== '' && !name.startsWith('amq.')).map((name) => `exchange ${name}`),
    ...connections.filter((line) => line.startsWith(`${virtualHost}\t`)).map(() => 'connection'),
  ];
}

/** Keys of what a backend keeps there, whatever it is. */
export async function inStorage(world: World): Promise<readonly string[]> {
  const { prefix } = world.s3;
  const { Contents = [] } = await useS3((client) =>
    client.send(new ListObjectsV2Command({ Bucket: world.bucket, Prefix: `${prefix}backends/` })),
  );
  return Contents.map(({ Key }) => Key ?? '');
}

/** Rows, without the heading. */
async function listed(...command: readonly string[]): Promise<readonly string[]> {
  const output = await controlBroker(...command, '--no-table-headers');
  return output.split('\n').filter((line) => line.trim() !== '');
}
