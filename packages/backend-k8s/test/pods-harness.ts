/** The whole backend: a master and workers in pods of a simulated cluster, which are real processes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { plugin as backend } from '@splitrock/backend-k8s';
import { plugin as monitoring } from '@splitrock/monitoring-storage';
import { plugin as storage } from '@splitrock/storage-local';
import type { BackendHarness } from '@splitrock/testkit';
import { startSimulatedKubernetes, type SimulatedKubernetes, type SimulatedNode } from '@splitrock/testkit/kubernetes';
import { workerMainUrl } from '@splitrock/worker';

const resolveModule = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href;
export const NAMESPACE = 'work';

export interface PodsHarness extends BackendHarness {
  readonly kubernetes: SimulatedKubernetes;
  /** Where the storage keeps its objects. */
  readonly storageDirectory: string;
  pods(component: 'worker' | 'master'): readonly string[];
  /** Limits what the namespace may use. */
  createQuota(quota: object): Promise<void>;
}

export interface PodsHarnessOptions {
  readonly nodes?: readonly SimulatedNode[];
  readonly options?: Readonly<Record<string, unknown>>;
}

export async function makePodsHarness({ nodes, options = {} }: PodsHarnessOptions = {}): Promise<PodsHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'splitrock-k8s-test-'));
  const storageDirectory = join(directory, 'storage');
  const entrypoint = [process.execPath, '--conditions=@splitrock/source', fileURLToPath(workerMainUrl)];
  const kubernetes = await startSimulatedKubernetes({
    nodes: nodes ?? [{ name: 'node-a', cpu: '64', memory: '128Gi' }],
    namespaces: [{ name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } }],
    images: { 'worker:1': { kind: 'process', entrypoint } },
    // A node looks for a Secret that is made right after its Job.
    timings: { retryMs: 20 },
  });
  const named = (component: string): string[] =>
    kubernetes
      .list('pods', NAMESPACE)
      .filter(({ metadata }) => metadata.labels?.['splitrock.dev/component'] === component)
      .map(({ metadata }) => metadata.name);
  return {
    kubernetes,
    storageDirectory,
    pods: named,
    async createQuota(quota) {
      const { token } = JSON.parse(kubernetes.kubeconfig).users[0].user as { token: string };
      const response = await fetch(`${kubernetes.url}/api/v1/namespaces/${NAMESPACE}/resourcequotas`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(quota),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    backend: {
      plugin: backend,
      module: resolveModule('@splitrock/backend-k8s'),
      options: {
        kubeconfig: kubernetes.kubeconfigPath,
        namespace: NAMESPACE,
        image: 'worker:1',
        maxWorkers: 1,
        sizing: { kind: 'fixed', cpu: '100m', memory: '512Mi' },
        slots: { workerProcesses: 1 },
        workerLogLevel: 'error',
        ...options,
      },
    },
    storage: {
      plugin: storage,
      module: resolveModule('@splitrock/storage-local'),
      options: { directory: storageDirectory },
    },
    monitoring: { plugin: monitoring, module: resolveModule('@splitrock/monitoring-storage'), options: {} },
    async killWorker(workerId) {
      for (const pid of kubernetes.processesOf({ namespace: NAMESPACE, name: workerId })) process.kill(pid, 'SIGKILL');
    },
    async leftovers(executorId) {
      const isOwn = ({ metadata }: { metadata: { labels?: Record<string, string> } }): boolean =>
        metadata.labels?.['splitrock.dev/executor'] === executorId;
      const left = (resource: 'pods' | 'jobs' | 'secrets'): string[] =>
        kubernetes
          .list(resource, NAMESPACE)
          .filter(isOwn)
          .map(({ metadata }) => `${resource} ${metadata.name}`);
      return [...left('pods'), ...left('jobs'), ...left('secrets')];
    },
    /** Workers go on without the API; their client has no other way to them. */
    async outage() {
      await kubernetes.stopApi();
      return { end: () => kubernetes.startApi() };
    },
    async close() {
      await kubernetes.stop();
      await rm(directory, { recursive: true });
    },
  };
}
