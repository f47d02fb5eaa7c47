/** What the Kubernetes benchmarks run on: a real cluster set up as the end-to-end suites' is, or a simulated one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withSurroundings } from '@splitrock/e2e/set-up';
import { buildRuntime } from '@splitrock/runtime-image';
import { leaseService } from '@splitrock/services';
import { startSimulatedKubernetes } from '@splitrock/testkit/kubernetes';

/** What they ADVERTISE; the machine's real cores are shared by both. */
export const NODES = [
  { name: 'node-a', cpu: '128', memory: '64Gi' },
  { name: 'node-b', cpu: '128', memory: '64Gi' },
];
/** What pods of a simulated cluster cannot be: containers. Everything in them is the same. */
const SIMULATED_IMAGE = 'worker:bench';
const SERVICES = ['rabbitmq', 'redis'] as const;

export interface BenchSurroundings {
  readonly kubeconfig: string;
  readonly image: string;
  readonly amqpUrl: string;
  readonly redisUrl: string;
}

type Work = (surroundings: BenchSurroundings) => Promise<void>;

export async function withRealCluster(work: Work): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const stopped = new Promise<never>((_resolve, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error));
  });
  await withSurroundings(
    ({ kubeconfig, image, services }) => Promise.race([work({ kubeconfig, image, ...addresses(services) }), stopped]),
    stop.signal,
    { nodes: NODES },
  );
}

/** Pods are processes of this machine, started with what is in the image. */
export async function withSimulatedCluster(work: Work): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-bench-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const leases = await Promise.all(SERVICES.map((name) => leaseService(name)));
  for (const lease of leases) undo.defer(() => lease.release());
  await buildRuntime({ base: 'scratch', context: join(folder, 'image'), projectFolder: import.meta.dirname });
  const main = join(folder, 'image/worker/opt/splitrock/worker/lib/main.js');
  const kubernetes = undo.use(
    await startSimulatedKubernetes({
      nodes: NODES,
      images: { [SIMULATED_IMAGE]: { kind: 'process', entrypoint: [process.execPath, main] } },
    }),
  );
  const services = Object.assign({}, ...leases.map(({ environment }) => environment)) as Record<string, string>;
  await work({ kubeconfig: kubernetes.kubeconfigPath, image: SIMULATED_IMAGE, ...addresses(services) });
}

const addresses = (services: Readonly<Record<string, string>>): { amqpUrl: string; redisUrl: string } => ({
  amqpUrl: services['SPLITROCK_TEST_AMQP_URL'] ?? '',
  redisUrl: services['SPLITROCK_TEST_REDIS_URL'] ?? '',
});
