import { BackendError, PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { K8sBackend } from './k8s-backend.ts';
import { k8sBackendOptionsSchema, type K8sBackendOptions } from './k8s-backend-options.ts';
import { Master } from './master/master.ts';
import { K8sCallSource } from './source/k8s-call-source.ts';

const POD_IP = 'SPLITROCK_POD_IP';

/** `backend: k8s`: a Kubernetes Job for each job, whose pods get their calls from a master pod. Needs nothing but a storage. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'k8s',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: k8sBackendOptionsSchema,
  createBackend: (options, deps) => new K8sBackend(options, deps),
  createCallSource({ job, leaseSeconds, idleTimeoutSeconds, ...options }, deps) {
    if (job === undefined) throw notForPods('a worker was started without a job');
    const { executorId, jobNumber, token } = job;
    return new K8sCallSource(
      {
        pool: poolOf(options),
        job: { executorId, jobNumber },
        token,
        leaseMs: leaseSeconds * 1_000,
        idleMs: idleTimeoutSeconds * 1_000,
      },
      deps,
    );
  },
  createService({ master, leaseSeconds, maxDeaths, ...options }, deps) {
    const ip = process.env[POD_IP];
    if (ip === undefined) throw notForPods(`the pod of the master lacks the variable ${POD_IP}`);
    const { idleSeconds, port } = master;
    const times = { leaseMs: leaseSeconds * 1_000, idleMs: idleSeconds * 1_000 };
    return new Master({ pool: poolOf(options), port, ip, maxDeaths, ...times }, deps);
  },
});

function poolOf({ pool }: Pick<K8sBackendOptions, 'pool'>): string {
  if (pool === undefined) throw notForPods('a pod was started without the name of its master');
  return pool;
}

const notForPods = (why: string): BackendError => new BackendError('INTERNAL', `${why}; please report it.`);
