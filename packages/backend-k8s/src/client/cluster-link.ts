/** A client's side of the cluster: its connection, its workers and the master's pod. */
import { DirectWay, ProxyWay, type MasterWay } from '../access/master-way.ts';
import { KubeClient, loadKubeAccess, type PoolIdentity } from '@splitrock/k8s-common';
import type { BackendDeps } from '@splitrock/core/plugin';
import type { K8sBackendOptions } from '../k8s-backend-options.ts';
import { masterBootstrap, podOptions } from './pool-setup.ts';
import { Fleet, type FleetListener } from '../fleet/fleet.ts';
import { KubeJobs } from '../fleet/kube-jobs.ts';
import { MasterKeeper } from '../fleet/master-keeper.ts';

export interface ClusterLink {
  readonly client: KubeClient;
  readonly identity: PoolIdentity;
  readonly kube: KubeJobs;
  readonly keeper: MasterKeeper;
  readonly way: MasterWay;
  close(): void;
}

/** @throws ConfigError `KUBE_CONFIG_INVALID` */
export async function linkCluster(options: K8sBackendOptions, deps: BackendDeps, pool: string): Promise<ClusterLink> {
  const access = await loadKubeAccess(options);
  const { tenant, executorId, clock } = deps;
  const identity = { tenant, pool, namespace: access.namespace };
  const client = new KubeClient(access, { clock });
  const kube = new KubeJobs(client, podOptions(options));
  const keeper = new MasterKeeper({
    kube,
    identity,
    master: options.master,
    executorId,
    keepSeconds: options.keepJobsSeconds,
    bootstrap: masterBootstrap(options, deps, pool),
  });
  const way = isDirect(options.master.access) ? new DirectWay() : new ProxyWay(client, identity.namespace);
  return {
    client,
    identity,
    kube,
    keeper,
    way,
    close() {
      way.close();
      client.close();
    },
  };
}

export function makeFleet(
  { client, identity }: ClusterLink,
  options: K8sBackendOptions,
  { executorId, clock, logger }: BackendDeps,
  listener: FleetListener,
): Fleet {
  const keepSeconds = options.keepJobsSeconds;
  return new Fleet(
    { client, identity, options: podOptions(options), executorId, keepSeconds, clock, logger },
    listener,
  );
}

/** Kubernetes tells every pod where its API is. */
const isDirect = (access: K8sBackendOptions['master']['access']): boolean =>
  access === 'direct' || (access === 'auto' && process.env['KUBERNETES_SERVICE_HOST'] !== undefined);
