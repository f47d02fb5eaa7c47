/** A Kubernetes cluster within this process: a real HTTP API, and pods as local processes or as scripts. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '@splitrock/core/plugin';
import { assembleCluster, type Cluster } from './cluster.ts';
import type { ApiFaults } from './faults/api-faults.ts';
import type { RequestLog } from './faults/request-log.ts';
import { ImageRegistry, type SimulatedImage } from './kubelet/images.ts';
import type { Kubelet } from './kubelet/kubelet.ts';
import { describeNode, type SimulatedNode } from './kubelet/node-description.ts';
import type { ResourceName } from './objects/cluster.ts';
import type { ObjectKey } from './objects/names.ts';
import type { Pod } from './objects/pod.ts';
import type { ObjectOf } from './registry/resources.ts';
import { REAL_TIMINGS, type SimulatedTimings } from './timings.ts';

export interface SimulatedNamespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface SimulatedKubernetesOptions {
  readonly nodes: readonly SimulatedNode[];
  /** Beside `default` and `kube-system`, which are always there. */
  readonly namespaces?: readonly (string | SimulatedNamespace)[];
  /** What the nodes can pull, by the names that pods use. Any other image ends in `ErrImagePull`. */
  readonly images?: Readonly<Record<string, SimulatedImage>>;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock;
  /** Where the cluster is to be quicker than a real one. */
  readonly timings?: Partial<SimulatedTimings>;
}

/** Names a pod: `{ namespace, name }`; the namespace is `default` if left out. */
export type PodKey = ObjectKey;

/**
 * Starts a simulated cluster.
 *
 * @example
 * ```ts
 * await using kubernetes = await startSimulatedKubernetes({
 *   nodes: [{ name: 'node-a', cpu: '8' }, { name: 'node-b', cpu: '4' }],
 *   namespaces: ['work'],
 *   images: { 'worker:1': { kind: 'process', entrypoint: [process.execPath, 'worker.js'] } },
 * });
 * const config = new KubeConfig();
 * config.loadFromString(kubernetes.kubeconfig);
 * ```
 */
export async function startSimulatedKubernetes(options: SimulatedKubernetesOptions): Promise<SimulatedKubernetes> {
  const clock = options.clock ?? systemClock;
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-kubernetes-'));
  const token = randomBytes(16).toString('hex');
  const images = new ImageRegistry(options.images ?? {});
  const cluster = assembleCluster({ clock, timings: { ...REAL_TIMINGS, ...options.timings }, images, folder, token });
  for (const namespace of ['default', 'kube-system', ...(options.namespaces ?? [])]) {
    const { name, labels = {} } = typeof namespace === 'string' ? { name: namespace } : namespace;
    cluster.registry.create('namespaces', { metadata: { name, labels } });
    cluster.store.create('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    });
  }
  await cluster.server.listen();
  const kubeconfig = kubeconfigOf(cluster.server.url, token);
  const kubeconfigPath = join(folder, 'kubeconfig');
  await writeFile(kubeconfigPath, kubeconfig, { mode: 0o600 });
  const kubernetes = new SimulatedKubernetes({ cluster, clock, images, folder, kubeconfig, kubeconfigPath });
  for (const node of options.nodes) kubernetes.addNode(node);
  return kubernetes;
}

interface Parts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly images: ImageRegistry;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly kubeconfigPath: string;
}

/** The running cluster: what a test does to it, and what it sees of it. */
export class SimulatedKubernetes implements AsyncDisposable {
  /** What clients connect with, as YAML. */
  readonly kubeconfig: string;
  /** The same as a file, which {@link stop} removes. */
  readonly kubeconfigPath: string;
  /** Trouble for those who use the API. */
  readonly faults: ApiFaults;
  /** Every request that came. */
  readonly requests: RequestLog;
  readonly #parts: Parts;
  readonly #cluster: Cluster;
  readonly #nodes = new Map<string, SimulatedNode>();

  /** @internal Made by {@link startSimulatedKubernetes}. */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#cluster = parts.cluster;
    this.kubeconfig = parts.kubeconfig;
    this.kubeconfigPath = parts.kubeconfigPath;
    this.faults = parts.cluster.faults;
    this.requests = parts.cluster.requests;
  }

  /** The address of the API. */
  get url(): string {
    return this.#cluster.server.url;
  }

  /** An object as the API has it now, without a request. */
  get<R extends ResourceName>(resource: R, key: ObjectKey): ObjectOf<R> | undefined {
    return this.#cluster.store.get(resource, key);
  }

  /** Every object of a resource, or of one namespace, without a request. */
  list<R extends ResourceName>(resource: R, namespace?: string): ObjectOf<R>[] {
    return this.#cluster.store.list(resource, namespace);
  }

  /** Adds a machine that joins at once. */
  addNode(node: SimulatedNode): void {
    if (this.#nodes.has(node.name)) throw new Error(`The simulated cluster has a node ${node.name} already.`);
    this.#nodes.set(node.name, node);
    this.#register(node.name);
  }

  /**
   * What a power cut does to a node: every process of its pods ends by SIGKILL and nothing is reported. After
   * `nodeMonitorGraceMs` the node is `Ready: Unknown`; pods are deleted when they tolerate that no longer, and stay
   * `Terminating` until the node is back or deleted.
   */
  async killNode(name: string): Promise<void> {
    await this.#machine(name).powerOff();
    this.#cluster.nodeLifecycle.kubeletStopped(name);
  }

  /** Brings a killed node back. The pods that it ran are found dead: `Failed`, or gone if they were to be deleted. */
  startNode(name: string): void {
    const { store, machines, nodeLifecycle } = this.#cluster;
    const machine = this.#machine(name);
    if (store.get('nodes', { name }) === undefined) this.#register(name);
    nodeLifecycle.kubeletStarted(name);
    const pods = [...store.values('pods')].filter((pod) => pod.spec.nodeName === name);
    if (!machine.isAlive) machines.machine(name).powerOn(pods);
  }

  /** Takes a node out of the cluster, as a cluster that shrinks does. Its pods are lost, and removed a little later. */
  async removeNode(name: string): Promise<void> {
    await this.#machine(name).powerOff();
    this.#cluster.store.remove('nodes', { name });
  }

  /** Lets pods find an image that they did not find before, or something else behind its name. */
  addImage(name: string, image: SimulatedImage): void {
    this.#parts.images.add(name, image);
  }

  /** The main processes that a pod runs now; none for a scripted image. */
  processesOf(pod: PodKey): number[] {
    const stored = this.#pod(pod);
    return this.#cluster.machines.find(stored.spec.nodeName)?.agentOf(stored)?.pids ?? [];
  }

  /** Ends a container the way the kernel does when it used too much memory: status `OOMKilled`, exit code 137. */
  killForMemory(pod: PodKey, container?: string): void {
    const stored = this.#pod(pod);
    const name = container ?? stored.spec.containers[0]?.name ?? '';
    this.#cluster.machines.find(stored.spec.nodeName)?.agentOf(stored)?.killForMemory(name);
  }

  /** Ends a pod the way a kubelet does whose node runs short: phase `Failed`, reason `Evicted`. */
  evict(pod: PodKey, resource = 'memory'): void {
    const stored = this.#pod(pod);
    const container = stored.spec.containers[0];
    const request = container?.resources?.requests?.[resource] ?? '0';
    const message = `The node was low on resource: ${resource}. Threshold quantity: 100Mi, available: 0. Container ${container?.name} was using more than its request of ${request}. `;
    this.#cluster.machines.find(stored.spec.nodeName)?.evict(stored, { reason: 'Evicted', message });
  }

  /** Takes the API away: connections break, and nobody listens until {@link startApi}. The pods run on. */
  async stopApi(): Promise<void> {
    await this.#cluster.server.close();
  }

  /** Gives the API back, at the same address and with all its objects. */
  async startApi(): Promise<void> {
    await this.#cluster.server.listen();
  }

  /** Ends everything: the API, every process of every pod, every file. */
  async stop(): Promise<void> {
    await this.#cluster.stop();
    await rm(this.#parts.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #register(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const { address } = this.#cluster.machines.machine(name);
    this.#cluster.store.create('nodes', describeNode(node, address, this.#parts.clock.now()));
  }

  #machine(name: string): Kubelet {
    const machine = this.#cluster.machines.find(name);
    if (machine === undefined) throw new Error(`There is no node ${name} in the simulated cluster.`);
    return machine;
  }

  #pod({ namespace = 'default', name }: PodKey): Pod {
    const pod = this.#cluster.store.get('pods', { namespace, name });
    if (pod === undefined) throw new Error(`There is no pod ${namespace}/${name} in the simulated cluster.`);
    return pod;
  }
}

function kubeconfigOf(server: string, token: string): string {
  // JSON is YAML. Clients refuse plain HTTP unless they are told not to verify, and kubectl sends no token over it:
  // for its sake the token is part of the address too.
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'simulated', cluster: { server: `${server}/${token}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'simulated', user: { token } }],
    contexts: [{ name: 'simulated', context: { cluster: 'simulated', user: 'simulated' } }],
    'current-context': 'simulated',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
