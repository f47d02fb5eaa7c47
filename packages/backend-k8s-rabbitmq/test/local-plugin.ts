/** The backend with local worker processes instead of pods: the same queues, the same workers. */
import { PLUGIN_API_VERSION, defineBackend } from '@splitrock/core/plugin';
import { K8sRabbitmqBackend, RabbitmqCallSource, workQueueShape } from '@splitrock/backend-k8s-rabbitmq';
import { z } from 'zod';
import { LocalWorkerPool } from './local-worker-pool.ts';

const schema = z.strictObject({
  ...workQueueShape,
  pool: z.string(),
  workers: z.int().min(1).default(1),
  workerProcesses: z.int().min(1).default(2),
  callsPerProcess: z.int().min(1).default(1),
  slotKind: z.enum(['process', 'thread']).default('process'),
  idleTimeoutSeconds: z.number().optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('error'),
});

export const plugin = defineBackend({
  kind: 'backend',
  name: 'k8s-rabbitmq-local',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: schema,
  createBackend(
    { workers, workerProcesses, callsPerProcess, slotKind, idleTimeoutSeconds: _idle, logLevel, ...options },
    deps,
  ) {
    const { executorId, tenant, workerPlugins } = deps;
    const slots = { workerProcesses, callsPerProcess, kind: slotKind };
    const pool = new LocalWorkerPool({ executorId, workers, slots, bootstrap: { tenant, ...workerPlugins }, logLevel });
    return new K8sRabbitmqBackend(options, deps, pool);
  },
  createCallSource: (options, deps) => new RabbitmqCallSource(options, deps),
});
