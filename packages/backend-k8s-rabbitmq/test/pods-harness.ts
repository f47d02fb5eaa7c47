/** The whole backend: pods on a simulated cluster, which are real worker processes, with a real broker. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { plugin as backend } from '@splitrock/backend-k8s-rabbitmq';
import { plugin as monitoring } from '@splitrock/monitoring-storage';
import { plugin as storage } from '@splitrock/storage-local';
import type { BackendHarness } from '@splitrock/testkit';
import { startSimulatedKubernetes } from '@splitrock/testkit/kubernetes';
import { workerMainUrl } from '@splitrock/worker';

const resolveModule = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href;
const NAMESPACE = 'work';

/** @param workerUrl - How workers reach the broker, where it is not as this process does. */
export async function makePodsHarness(brokerUrl: string, workerUrl = brokerUrl): Promise<BackendHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'splitrock-pods-test-'));
  const entrypoint = [process.execPath, '--conditions=@splitrock/source', fileURLToPath(workerMainUrl)];
  const kubernetes = await startSimulatedKubernetes({
    nodes: [{ name: 'node-a', cpu: '8', memory: '16Gi' }],
    namespaces: [{ name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } }],
    images: { 'worker:1': { kind: 'process', entrypoint } },
  });
  const podsOf = (): string[] => kubernetes.list('pods', NAMESPACE).map(({ metadata }) => metadata.name);
  return {
    backend: {
      plugin: backend,
      module: resolveModule('@splitrock/backend-k8s-rabbitmq'),
      options: {
        amqp: { url: brokerUrl, workerUrl },
        pool: `test-${randomUUID()}`,
        kubeconfig: kubernetes.kubeconfigPath,
        namespace: NAMESPACE,
        image: 'worker:1',
        maxWorkers: 1,
        idleTimeoutSeconds: 2,
        sizing: { kind: 'fixed', cpu: '100m', memory: '512Mi' },
        slots: { workerProcesses: 2 },
        workerLogLevel: 'error',
      },
    },
    storage: {
      plugin: storage,
      module: resolveModule('@splitrock/storage-local'),
      options: { directory: join(directory, 'storage') },
    },
    monitoring: { plugin: monitoring, module: resolveModule('@splitrock/monitoring-storage'), options: {} },
    async killWorker(workerId) {
      for (const pid of kubernetes.processesOf({ namespace: NAMESPACE, name: workerId })) process.kill(pid, 'SIGKILL');
    },
    async leftovers() {
      // A worker that others may use stays until it is idle for long; what ended, and secrets of nobody, do not.
      return podsOf()
        .filter((name) => kubernetes.get('pods', { namespace: NAMESPACE, name })?.status.phase === 'Pending')
        .map((name) => `pod ${name}`);
    },
    async close() {
      await kubernetes.stop();
      await rm(directory, { recursive: true });
    },
  };
}
