/**
 * `npm run demo:k8s`: the main job on a Kubernetes cluster of three nodes and a RabbitMQ work queue, on a machine that
 * has neither.
 *
 * The broker is a real one. The cluster is the testkit's: its API and its scheduler, with pods that are processes of this
 * machine. The job is the same program that `npm run demo` runs; only its configuration differs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leaseService } from '@splitrock/services';
import { startSimulatedKubernetes, type SimulatedKubernetes } from '@splitrock/testkit/kubernetes';

/** What they are said to have; the machine's own cores and memory are shared by all of them. */
const NODES = [
  { name: 'node-a', cpu: '3', memory: '6Gi' },
  { name: 'node-b', cpu: '2', memory: '4Gi' },
  { name: 'node-c', cpu: '1', memory: '2Gi' },
];
const NAMESPACE = 'demo';
const IMAGE = 'worker:demo';
const PROGRAM = fileURLToPath(new URL('../../../examples/flights/dist/flights.js', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../../packages/splitrock/bin/splitrock.js', import.meta.url));
const WORKER = fileURLToPath(import.meta.resolve('@splitrock/worker/main'));

const say = (line: string): void => console.log(`demo: ${line}`);

async function main(): Promise<number> {
  // A Ctrl-C reaches the program as well, which ends; then all else is taken down here.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (process.exitCode = 1));
  await using undo = new AsyncDisposableStack();
  const brokerUrl = await startBroker(undo);
  const kubernetes = undo.use(
    await startSimulatedKubernetes({
      nodes: NODES,
      namespaces: [{ name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } }],
      images: { [IMAGE]: { kind: 'process', entrypoint: [process.execPath, WORKER] } },
    }),
  );
  say(
    `a simulated Kubernetes cluster; CPUs of its nodes: ${NODES.map(({ name, cpu }) => `${name} ${cpu}`).join(', ')}`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-demo-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, 'splitrock.config.json');
  await writeFile(config, JSON.stringify(configOf(kubernetes, folder), undefined, 2));
  const code = await runProgram({ SPLITROCK_CONFIG: config, DEMO_AMQP_URL: brokerUrl });
  tellPods(kubernetes);
  return code;
}

/** @throws Error that says what is missing, and why it cannot be installed here */
async function startBroker(undo: AsyncDisposableStack): Promise<string> {
  say('looking for RabbitMQ; where it is missing, Debian’s package is installed, which takes a minute');
  const lease = await leaseService('rabbitmq');
  undo.defer(() => lease.release());
  const url = lease.environment['SPLITROCK_TEST_AMQP_URL'] ?? '';
  say(`RabbitMQ answers on ${new URL(url).host}`);
  return url;
}

/** What a user's configuration says for a real cluster, but for the storage: these pods see this machine's files. */
function configOf(kubernetes: SimulatedKubernetes, folder: string): object {
  const amqp = '${env:DEMO_AMQP_URL}';
  return {
    backend: 'k8s-rabbitmq',
    backends: {
      'k8s-rabbitmq': {
        amqp: { url: amqp },
        kubeconfig: kubernetes.kubeconfigPath,
        namespace: NAMESPACE,
        image: IMAGE,
        sizing: { kind: 'per-node', cpuPerProcess: '1', memoryPerProcess: '1Gi' },
      },
    },
    storage: 'local',
    storages: { local: { directory: join(folder, 'storage') } },
    monitoring: 'rabbitmq',
    monitorings: { rabbitmq: { url: amqp } },
  };
}

async function runProgram(variables: NodeJS.ProcessEnv): Promise<number> {
  const program = spawn(process.execPath, [COMMAND, 'run', PROGRAM], {
    stdio: 'inherit',
    env: { ...process.env, ...variables },
  });
  const [code] = (await once(program, 'exit')) as [number | null];
  return code ?? 1;
}

/** The workers are still warm: they leave when nobody needed them for five minutes, or now, with the cluster. */
function tellPods(kubernetes: SimulatedKubernetes): void {
  console.log('\nWhere it ran:');
  console.table(
    kubernetes.list('pods', NAMESPACE).map(({ metadata, spec, status }) => ({
      pod: metadata.name,
      node: spec.nodeName,
      slots: Number(metadata.annotations?.['splitrock.dev/slots']),
      state: status.phase,
    })),
  );
}

try {
  process.exitCode = (await main()) || process.exitCode;
} catch (error) {
  console.error(`demo:k8s cannot run here: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
