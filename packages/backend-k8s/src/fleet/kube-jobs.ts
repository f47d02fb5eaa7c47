/** Makes and removes Kubernetes Jobs, with their Secrets. */
import type { OperationOptions } from '@splitrock/core/plugin';
import {
  JOBS,
  SECRETS,
  isKubeStatus,
  type KubeClient,
  type KubeJob,
  type KubernetesOptions,
  type PoolBootstrap,
} from '@splitrock/k8s-common';
import { jobSecret, kubeJob, type JobPlan } from './manifests.ts';

export class KubeJobs {
  readonly #client: KubeClient;
  readonly #options: KubernetesOptions;

  constructor(client: KubeClient, options: KubernetesOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Whether it was made; else there is one of this name, which another client made for the same. */
  async create(plan: JobPlan, bootstrap: PoolBootstrap, options: OperationOptions): Promise<boolean> {
    let made: KubeJob;
    try {
      made = await this.#client.create(JOBS, kubeJob(plan, this.#options), options);
    } catch (error) {
      if (isKubeStatus(error, 409)) return false;
      throw error;
    }
    try {
      // After the Job, for it is to go with it. Nodes look for it until it is there.
      await this.#client.create(SECRETS, jobSecret(made, plan.identity, bootstrap), options);
    } catch (error) {
      // Without it no pod could start.
      if (!isKubeStatus(error, 409)) await this.remove(plan.identity.namespace, plan.name);
      if (!isKubeStatus(error, 409)) throw error;
    }
    return true;
  }

  async list(namespace: string, labelSelector: string, options: OperationOptions): Promise<readonly KubeJob[]> {
    return (await this.#client.list(JOBS, { namespace, labelSelector }, options)).items;
  }

  /** Its pods and its Secret go with it. */
  async remove(namespace: string, name: string, options: OperationOptions = {}): Promise<boolean> {
    const [wasThere] = await Promise.all([
      this.#client.delete(JOBS, { name, namespace }, options),
      this.#client.delete(SECRETS, { name, namespace }, options),
    ]);
    return wasThere;
  }
}

/** Whether it makes no pods any more. */
export const isFinished = ({ metadata, status }: KubeJob): boolean =>
  metadata?.deletionTimestamp !== undefined ||
  (status?.conditions ?? []).some(
    ({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True',
  );
