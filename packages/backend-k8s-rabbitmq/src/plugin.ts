import { BackendError, PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { KubernetesWorkerPool } from '@splitrock/k8s-common';
import { K8sRabbitmqBackend } from './k8s-rabbitmq-backend.ts';
import { k8sRabbitmqBackendOptionsSchema } from './k8s-rabbitmq-backend-options.ts';
import { RabbitmqCallSource } from './source/rabbitmq-call-source.ts';
import { workerSetup } from './worker-setup.ts';

/** `backend: k8s-rabbitmq`: a RabbitMQ work queue and warm worker pods on Kubernetes. */
export const plugin = defineBackend({
  kind: 'backend',
  name: 'k8s-rabbitmq',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: k8sRabbitmqBackendOptionsSchema,
  createBackend(options, deps) {
    const { tenant, executorId, logger, clock } = deps;
    const { pool, bootstrap } = workerSetup(options, deps);
    const workers = new KubernetesWorkerPool({ options, tenant, executorId, pool, bootstrap, logger, clock });
    return new K8sRabbitmqBackend({ ...options, pool }, deps, workers);
  },
  createCallSource(options, deps) {
    if (options.pool === undefined) {
      throw new BackendError('INTERNAL', 'A worker was started without the name of its pool; please report it.');
    }
    return new RabbitmqCallSource({ ...options, pool: options.pool }, deps);
  },
});
