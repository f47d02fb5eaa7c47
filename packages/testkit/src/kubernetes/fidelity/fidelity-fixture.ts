/** What the cases share: clients, a namespace of their own, and ways to wait. */
import { randomBytes } from 'node:crypto';
import {
  ApiException,
  AuthorizationV1Api,
  BatchV1Api,
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  type V1Container,
  type V1Pod,
  type V1PodSpec,
} from '@kubernetes/client-node';
import type { ReachedKubernetes, ShellImage } from './fidelity-target.ts';

const POLL_INTERVAL_MS = 50;

/** The error of a request, as far as every Kubernetes tells the same. */
export interface ApiFailure {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  /** `field reason` of each wrong field. */
  readonly causes: readonly string[];
}

export class FidelityFixture {
  readonly config = new KubeConfig();
  readonly namespace: string;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  readonly coordination: CoordinationV1Api;
  readonly authorization: AuthorizationV1Api;
  readonly shell: ShellImage;
  readonly forgetHistory: () => void;
  readonly #deadlineMs: number;
  #names = 0;

  constructor(reached: ReachedKubernetes, deadlineMs: number) {
    this.config.loadFromString(reached.kubeconfig);
    this.core = this.config.makeApiClient(CoreV1Api);
    this.batch = this.config.makeApiClient(BatchV1Api);
    this.coordination = this.config.makeApiClient(CoordinationV1Api);
    this.authorization = this.config.makeApiClient(AuthorizationV1Api);
    this.shell = reached.shell;
    this.forgetHistory = reached.forgetHistory ?? (() => undefined);
    this.namespace = `fidelity-${randomBytes(4).toString('hex')}`;
    this.#deadlineMs = deadlineMs;
  }

  async createNamespace(name = this.namespace, labels: Record<string, string> = {}): Promise<string> {
    await this.core.createNamespace({ body: { metadata: { name, labels } } });
    // Until it has its service account, the namespace takes no pods.
    await this.until(`the service account of ${name}`, () =>
      orUndefined(this.core.readNamespacedServiceAccount({ namespace: name, name: 'default' })),
    );
    return name;
  }

  async deleteNamespace(name = this.namespace): Promise<void> {
    await this.core.deleteNamespace({ name });
    await this.until(`the end of namespace ${name}`, async () => {
      const left = await orUndefined(this.core.readNamespace({ name }));
      return left === undefined ? true : undefined;
    });
  }

  /** A name that no other case uses. */
  name(prefix: string): string {
    this.#names += 1;
    return `${prefix}-${this.#names}`;
  }

  /** A container that runs a script. */
  container(script: string, more: Partial<V1Container> = {}): V1Container {
    const { image, command } = this.shell;
    return { name: 'main', image, imagePullPolicy: 'IfNotPresent', command: [...command, script], ...more };
  }

  /** A pod that runs a script once. */
  pod(name: string, script: string, container: Partial<V1Container> = {}, spec: Partial<V1PodSpec> = {}): V1Pod {
    return {
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 2,
        containers: [this.container(script, container)],
        ...spec,
      },
    };
  }

  /** Creates a pod and waits until it is in one of the phases. */
  async runPod(pod: V1Pod, ...phases: string[]): Promise<V1Pod> {
    await this.core.createNamespacedPod({ namespace: this.namespace, body: pod });
    return this.podIn(pod.metadata?.name ?? '', ...phases);
  }

  async podIn(name: string, ...phases: string[]): Promise<V1Pod> {
    return this.podWith(name, `in phase ${phases.join(' or ')}`, (pod) => phases.includes(pod.status?.phase ?? ''));
  }

  async podWith(name: string, what: string, holds: (pod: V1Pod) => boolean): Promise<V1Pod> {
    return this.until(`pod ${name} ${what}`, async () => {
      const pod = await this.readPod(name);
      return holds(pod) ? pod : undefined;
    });
  }

  readPod(name: string): Promise<V1Pod> {
    return this.core.readNamespacedPod({ namespace: this.namespace, name });
  }

  async podGone(name: string): Promise<void> {
    await this.until(`the end of pod ${name}`, async () =>
      (await orUndefined(this.readPod(name))) ? undefined : true,
    );
  }

  /** The message of an event of a pod or a job, once there is one of this reason. */
  async eventOf(name: string, reason: string): Promise<string> {
    return this.until(`an event ${reason} of ${name}`, async () => {
      const fieldSelector = `involvedObject.name=${name},reason=${reason}`;
      const { items } = await this.core.listNamespacedEvent({ namespace: this.namespace, fieldSelector });
      return items[0]?.message;
    });
  }

  logOf(name: string): Promise<string> {
    return this.core.readNamespacedPodLog({ namespace: this.namespace, name });
  }

  /** Asks again until there is an answer. */
  async until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + this.#deadlineMs;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (Date.now() > deadline) throw new Error(`Waited ${this.#deadlineMs} ms in vain for ${what}.`);
      await new Promise((resolve) => {
        setTimeout(resolve, POLL_INTERVAL_MS);
      });
    }
  }
}

/** The error that a request must end with. */
export async function failureOf(request: Promise<unknown>): Promise<ApiFailure> {
  try {
    await request;
  } catch (error) {
    if (error instanceof ApiException) return describe(error);
    throw error;
  }
  throw new Error('The request succeeded, though it must not.');
}

/** The answer of a request, or undefined where the object is not there. */
export async function orUndefined<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return undefined;
    throw error;
  }
}

function describe(error: ApiException<unknown>): ApiFailure {
  const body = typeof error.body === 'string' ? (JSON.parse(error.body) as unknown) : error.body;
  const {
    reason = '',
    message = '',
    details,
  } = body as {
    reason?: string;
    message?: string;
    details?: { causes?: { field: string; reason: string }[] };
  };
  const causes = (details?.causes ?? []).map(({ field, reason: why }) => `${field} ${why}`);
  // A field that breaks two rules is blamed once here: how many rules there are differs by version.
  return { code: error.code, reason, message, causes: [...new Set(causes)] };
}
