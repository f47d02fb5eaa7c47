/** What a pool's workers are told, and the name of the pool that follows from it. */
import { poolNameOf, workerOptions, type PoolBootstrap } from '@splitrock/k8s-common';
import type { BackendDeps } from '@splitrock/core/plugin';
import type { K8sRabbitmqBackendOptions } from './k8s-rabbitmq-backend-options.ts';

export interface WorkerSetup {
  readonly pool: string;
  readonly bootstrap: PoolBootstrap;
}

export function workerSetup(
  options: K8sRabbitmqBackendOptions,
  { tenant, workerPlugins }: Pick<BackendDeps, 'tenant' | 'workerPlugins'>,
): WorkerSetup {
  // The priority is this client's; workers of one pool serve all.
  const { priority: _priority, pool: named, ...shared } = options;
  const { backend, ...otherPlugins } = workerPlugins;
  const { workerUrl, ...amqp } = shared.amqp;
  const workers = { ...shared, amqp: { ...amqp, url: workerUrl ?? amqp.url } };
  const { storage, monitoring, dataStorages = [] } = otherPlugins;
  const dataPlugins = Object.fromEntries(dataStorages.map((ref, index) => [`data-${index}`, ref]));
  const pool = named ?? poolNameOf(workers, { storage, monitoring, ...dataPlugins });
  const { slots, workerLogLevel } = options;
  return {
    pool,
    bootstrap: {
      version: 1,
      tenant,
      backend: { ...backend, options: { ...workerOptions(workers), pool } },
      ...otherPlugins,
      // How many processes a worker has follows from its size; its pod says it.
      slots: { ...slots, workerProcesses: slots.workerProcesses ?? 1 },
      logLevel: workerLogLevel,
    },
  };
}
