/** What masters and workers are told, and the name of the master that follows from it. */
import { formatJobId, type BackendDeps, type JobRef } from '@splitrock/core/plugin';
import {
  contentHash,
  pluginsInImage,
  workerOptions,
  type KubernetesOptions,
  type PoolBootstrap,
} from '@splitrock/k8s-common';
import type { K8sBackendOptions } from '../k8s-backend-options.ts';
import { workerToken } from '../protocol/access-token.ts';

type Deps = Pick<BackendDeps, 'tenant' | 'executorId' | 'workerPlugins'>;

/** The options of pods, as everything in `@splitrock/k8s-common` takes them. */
export function podOptions(options: K8sBackendOptions): KubernetesOptions {
  const { master: _master, pool: _pool, leaseSeconds: _lease, maxDeaths: _deaths, ...rest } = options;
  const { keepJobsSeconds: _keep, job: _job, ...pods } = rest;
  return { ...pods, minWorkers: 0 };
}

/** Executors that name the same share a master: it must know their storage, and speak as their workers do. */
export function masterPoolOf(options: K8sBackendOptions, { workerPlugins }: Deps): string {
  if (options.pool !== undefined) return options.pool;
  const { image, master, leaseSeconds, maxDeaths, serviceAccount, nodeSelector, tolerations, affinity } = options;
  const { storage } = pluginsInImage({ storage: workerPlugins.storage }, options.workerPlugins);
  const { access: _access, ...shared } = master;
  const alike = [image, shared, leaseSeconds, maxDeaths, serviceAccount, nodeSelector, tolerations, affinity, storage];
  return `m${contentHash(JSON.stringify(alike))}`;
}

export function masterBootstrap(options: K8sBackendOptions, deps: Deps, pool: string): PoolBootstrap {
  return { ...common(options, deps, { pool }), slots: { workerProcesses: 1, callsPerProcess: 1, kind: 'process' } };
}

/** With the job's token: only its own workers read this. */
export function workerBootstrap(
  options: K8sBackendOptions,
  deps: Deps,
  { pool, job, secret }: { readonly pool: string; readonly job: JobRef; readonly secret: string },
): PoolBootstrap {
  const token = workerToken(formatJobId(job), deps.executorId, secret);
  const { slots } = options;
  return {
    ...common(options, deps, { pool, job: { ...job, token } }),
    // How many processes a worker has follows from its size; its pod says it.
    slots: { ...slots, workerProcesses: slots.workerProcesses ?? 1 },
  };
}

function common(
  options: K8sBackendOptions,
  { tenant, workerPlugins }: Deps,
  own: Pick<K8sBackendOptions, 'pool' | 'job'>,
): Omit<PoolBootstrap, 'slots'> {
  const { master, pool: _pool, leaseSeconds, maxDeaths, keepJobsSeconds, job: _job } = options;
  const { minWorkers: _min, ...pods } = workerOptions({ ...podOptions(options) }) as Partial<KubernetesOptions>;
  const backend = {
    ...workerPlugins.backend,
    options: { ...pods, master, leaseSeconds, maxDeaths, keepJobsSeconds, ...own },
  };
  return pluginsInImage(
    { version: 1, tenant, ...workerPlugins, backend, logLevel: options.workerLogLevel },
    options.workerPlugins,
  );
}
