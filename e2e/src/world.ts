/** What a suite that runs jobs has of its own: a namespace, a tenant, a virtual host of the broker, places in the stores. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { BatchV1Api, type V1Pod } from '@kubernetes/client-node';
import { controlBroker } from '@splitrock/services';
import { expect } from 'vitest';
import { FunctionExecutor, type ConfigInput, type ExecutorOptions } from 'splitrock';
import { podProcesses, type PodProcess } from '@splitrock/cluster';
import type { KubernetesBackend } from './kubernetes-backends.ts';
import { TestNamespace } from './namespace.ts';
import { address, apiClient, core, surroundings } from './surroundings.ts';

export type StorageName = 's3' | 'redis';
export type MonitoringName = 'storage' | 'rabbitmq' | 'redis';
type Component = 'worker' | 'master';

export interface WorldConfig {
  readonly tenant?: string;
  readonly storage?: StorageName;
  readonly monitoring?: MonitoringName;
  /** Options of the backend, over those of {@link World.podOptions}. */
  readonly pods?: Readonly<Record<string, unknown>>;
  /** For the work queue. */
  readonly amqp?: Readonly<Record<string, unknown>>;
}

const batch = apiClient(BatchV1Api);
const BUCKET = 'splitrock-e2e';

export class World implements AsyncDisposable {
  readonly namespace: string;
  readonly tenant: string;
  /** The broker, with a virtual host of this world's own where that can be made. */
  readonly brokerUrl: string;
  readonly bucket = BUCKET;
  readonly #backend: KubernetesBackend;
  readonly #namespace: TestNamespace;
  readonly #executors: FunctionExecutor[] = [];

  private constructor(backend: KubernetesBackend, namespace: TestNamespace, tenant: string, brokerUrl: string) {
    this.#backend = backend;
    this.#namespace = namespace;
    this.namespace = namespace.name;
    this.tenant = tenant;
    this.brokerUrl = brokerUrl;
  }

  /** @param backend - Of its executors. */
  static async create(backend: KubernetesBackend): Promise<World> {
    const tenant = `t${randomBytes(3).toString('hex')}`;
    const [namespace, brokerUrl] = await Promise.all([TestNamespace.create(), makeVirtualHost(tenant), makeBucket()]);
    return new World(backend, namespace, tenant, brokerUrl);
  }

  /** Two workers of two processes each. */
  get podOptions(): Readonly<Record<string, unknown>> {
    return {
      kubeconfig: surroundings.kubeconfig,
      namespace: this.namespace,
      image: surroundings.image,
      sizing: { kind: 'fixed', cpu: '1', memory: '512Mi' },
      slots: { workerProcesses: 2 },
      maxWorkers: 2,
      terminationGraceSeconds: 5,
    };
  }

  config({ tenant, storage = 's3', monitoring, pods, amqp }: WorldConfig = {}): ConfigInput {
    const redis = address('SPLITROCK_TEST_REDIS_URL');
    const backend = this.#backend;
    return {
      tenant: tenant ?? this.tenant,
      backend: backend.name,
      storage,
      monitoring: monitoring ?? backend.monitoring,
      logLevel: 'silent',
      backends: { [backend.name]: { ...this.podOptions, ...backend.own(this, amqp), ...pods } },
      storages: { s3: this.s3, redis: { url: redis, keyPrefix: `${this.tenant}:` } },
      monitorings: { rabbitmq: { url: this.brokerUrl }, redis: { url: redis, keyPrefix: `${this.tenant}:status:` } },
    };
  }

  get s3(): Readonly<Record<string, unknown>> & { readonly prefix: string } {
    return {
      bucket: BUCKET,
      prefix: `${this.tenant}/`,
      endpoint: address('SPLITROCK_TEST_S3_ENDPOINT'),
      accessKeyId: address('SPLITROCK_TEST_S3_ACCESS_KEY_ID'),
      secretAccessKey: address('SPLITROCK_TEST_S3_SECRET_ACCESS_KEY'),
    };
  }

  /** Disposed with the world, if not before. */
  executor(config: WorldConfig = {}, options: ExecutorOptions = {}): FunctionExecutor {
    const executor = new FunctionExecutor({ ...this.config(config), ...options });
    this.#executors.push(executor);
    return executor;
  }

  /** The pods of this kind that are there, ended ones among them. */
  async pods(component: Component = 'worker'): Promise<readonly V1Pod[]> {
    const labelSelector = `splitrock.dev/component=${component}`;
    const { items } = await core.listNamespacedPod({ namespace: this.namespace, labelSelector });
    return items;
  }

  async runningPods(component: Component = 'worker'): Promise<readonly V1Pod[]> {
    const pods = await this.pods(component);
    return pods.filter(({ metadata, status }) => status?.phase === 'Running' && !metadata?.deletionTimestamp);
  }

  /** Ends its executors and takes away every pod. */
  async clear(): Promise<void> {
    const { namespace } = this;
    await Promise.all(this.#executors.splice(0).map((executor) => executor.dispose()));
    await batch.deleteCollectionNamespacedJob({ namespace, gracePeriodSeconds: 0, propagationPolicy: 'Background' });
    await core.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 0 });
    const left = async (): Promise<number> => (await core.listNamespacedPod({ namespace })).items.length;
    await expect.poll(left, { timeout: 60_000 }).toBe(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#executors.map((executor) => executor.dispose()));
    await this.#namespace[Symbol.asyncDispose]();
    if (surroundings.ownServices) await controlBroker('delete_vhost', this.tenant);
  }
}

/** The worker's own process in a pod, which is no call's. */
export const mainProcess = (pod: V1Pod): PodProcess | undefined =>
  workerProcesses(pod).find(({ pidInContainer }) => pidInContainer === 1);

/** Processes in which calls run. */
export const slotProcesses = (pod: V1Pod): readonly PodProcess[] =>
  workerProcesses(pod).filter(({ pidInContainer }) => pidInContainer !== 1);

/** Without that of the pod's sandbox. */
const workerProcesses = (pod: V1Pod): readonly PodProcess[] =>
  podProcesses(pod.metadata?.uid ?? '').filter(({ command }) => command[0]?.endsWith('node'));

async function makeVirtualHost(name: string): Promise<string> {
  const url = new URL(address('SPLITROCK_TEST_AMQP_URL'));
  if (!surroundings.ownServices) return url.href;
  await controlBroker('add_vhost', name);
  await controlBroker('set_permissions', '-p', name, decodeURIComponent(url.username), '.*', '.*', '.*');
  url.pathname = `/${name}`;
  return url.href;
}

/** With a client of the store that is closed afterwards. */
export async function useS3<Value>(work: (client: S3Client) => Promise<Value>): Promise<Value> {
  const client = new S3Client({
    endpoint: address('SPLITROCK_TEST_S3_ENDPOINT'),
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: address('SPLITROCK_TEST_S3_ACCESS_KEY_ID'),
      secretAccessKey: address('SPLITROCK_TEST_S3_SECRET_ACCESS_KEY'),
    },
  });
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

async function makeBucket(): Promise<void> {
  try {
    await useS3((client) => client.send(new CreateBucketCommand({ Bucket: BUCKET })));
  } catch (error) {
    if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes((error as Error).name)) throw error;
  }
}
