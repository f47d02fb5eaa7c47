/** Pools on a simulated cluster: one cluster at a time, for tests that run one after the other. */
import { silentLogger, systemClock, type BackendDiagnosis, type WorkerChange } from '@splitrock/core/plugin';
import {
  startSimulatedKubernetes,
  IDLE_IMAGE,
  type ScriptedImage,
  type SimulatedKubernetes,
  type SimulatedKubernetesOptions,
  type SimulatedNode,
} from '@splitrock/testkit/kubernetes';
import { expect } from 'vitest';
import { kubernetesOptionsSchema } from '../src/worker-pod/kubernetes-options.ts';
import { KubernetesWorkerPool } from '../src/pool/kubernetes-worker-pool.ts';

const scripted = (run: ScriptedImage['run']): ScriptedImage => ({ kind: 'scripted', run });
const IMAGES = {
  idle: IDLE_IMAGE,
  crash: scripted({ runMs: 50, exitCode: 78, logs: ['starting', 'no such plugin: s4'] }),
  leave: scripted({ runMs: 600 }),
  broken: { kind: 'unpullable', message: 'manifest for broken not found' },
} as const;
const NODES: readonly SimulatedNode[] = [
  { name: 'node-a', cpu: '8', memory: '16Gi' },
  { name: 'node-b', cpu: '4', memory: '8Gi' },
];

/** The cluster of the test that runs. */
export let kubernetes: SimulatedKubernetes;
const pools: PoolUnderTest[] = [];
/** After each test: lets go of the pools, and of the cluster. */
export async function stopAll(): Promise<void> {
  await Promise.all(pools.splice(0).map(({ pool }) => pool.stop()));
  await kubernetes.stop();
}

export async function startCluster(options: Partial<SimulatedKubernetesOptions> = {}): Promise<void> {
  kubernetes = await startSimulatedKubernetes({ nodes: NODES, images: IMAGES, ...options });
}

interface PoolUnderTest {
  readonly pool: KubernetesWorkerPool;
  readonly diagnoses: BackendDiagnosis[];
  readonly changes: WorkerChange[];
}

const plugin = (name: string) => ({ module: `@splitrock/${name}`, name, options: { password: 'very-secret' } });

export async function startPool(given: object = {}, executorId = 'executor-one'): Promise<PoolUnderTest> {
  const options = kubernetesOptionsSchema.parse({ image: 'idle', kubeconfig: kubernetes.kubeconfigPath, ...given });
  const bootstrap = {
    version: 1 as const,
    tenant: 'team',
    backend: plugin('backend'),
    storage: plugin('storage'),
    monitoring: plugin('monitoring'),
    slots: { workerProcesses: 1, callsPerProcess: 1, kind: 'process' as const },
    logLevel: 'warn' as const,
  };
  const common = { tenant: 'team', executorId, pool: 'alike', logger: silentLogger, clock: systemClock };
  const diagnoses: BackendDiagnosis[] = [];
  const changes: WorkerChange[] = [];
  const under = { pool: new KubernetesWorkerPool({ options, bootstrap, ...common }), diagnoses, changes };
  pools.push(under);
  await under.pool.start({
    diagnosis: (event) => void diagnoses.push(event),
    workerChanged: (change) => void changes.push(change),
  });
  return under;
}

export const demand = ({ pool }: PoolUnderTest, slots: number): void => pool.ensure({ slots, jobs: [] });
export const pods = (namespace = 'default') => kubernetes.list('pods', namespace);
export const running = (): readonly string[] =>
  pods()
    .filter(({ status }) => status?.phase === 'Running')
    .map(({ metadata }) => metadata.name)
    .toSorted();
export const expectEventually = async (look: () => unknown, expected: unknown): Promise<void> => {
  await expect.poll(look, { timeout: 10_000, interval: 20 }).toEqual(expected);
};
export const codes = ({ diagnoses }: PoolUnderTest): readonly string[] =>
  diagnoses.map(({ severity, code }) => `${severity} ${code}`);
