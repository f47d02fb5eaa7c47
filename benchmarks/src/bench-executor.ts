/** The executor that the Kubernetes benchmarks measure. */
import { randomUUID } from 'node:crypto';
import { FunctionExecutor } from 'splitrock';
import type { BenchSurroundings } from './kubernetes-surroundings.ts';

export interface BackendOptions {
  readonly backend: 'k8s-rabbitmq' | 'k8s';
  readonly slots: { readonly callsPerProcess: number };
  readonly maxProcesses?: number;
}

/** With a pool of its own. */
export function executorOn(
  { kubeconfig, image, amqpUrl, redisUrl }: BenchSurroundings,
  { backend, slots, maxProcesses }: BackendOptions,
): FunctionExecutor {
  const own = { 'k8s-rabbitmq': { amqp: { url: amqpUrl }, idleTimeoutSeconds: 3 }, k8s: {} };
  return new FunctionExecutor({
    logLevel: 'error',
    backend,
    backends: {
      [backend]: {
        kubeconfig,
        image,
        pool: `bench-${randomUUID()}`,
        sizing: { kind: 'per-node', cpuPerProcess: '1', ...(maxProcesses === undefined ? {} : { maxProcesses }) },
        slots,
        ...own[backend],
      },
    },
    storage: 'redis',
    storages: { redis: { url: redisUrl } },
    // The classic backend's master brings status to the client.
    monitoring: backend === 'k8s' ? 'storage' : 'rabbitmq',
    monitorings: { rabbitmq: { url: amqpUrl } },
  });
}
