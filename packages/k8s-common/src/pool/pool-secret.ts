/** Sees to it that the bootstrap's Secret is there when pods need it. */
import type { OperationOptions } from '@splitrock/core/plugin';
import { SECRETS, type KubeClient } from '../api/kube-client.ts';
import { isKubeStatus } from '../api/kube-error.ts';
import type { Pod, Secret } from '../api/kube-objects.ts';
import { BOOTSTRAP_VOLUME } from '../worker-pod/worker-pod.ts';

export class PoolSecret {
  readonly #client: KubeClient;
  readonly #secret: Secret;
  #made: Promise<void> | undefined;

  constructor(client: KubeClient, secret: Secret) {
    this.#client = client;
    this.#secret = secret;
  }

  get name(): string {
    return this.#secret.metadata?.name ?? '';
  }

  /** Makes it unless it is there; asks the API once, until it is {@link forget forgotten}. */
  ensure(options: OperationOptions = {}): Promise<void> {
    this.#made ??= this.#create(options).catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }

  /** Somebody may have removed it: the next pod makes sure again. */
  forget(): void {
    this.#made = undefined;
  }

  async #create(options: OperationOptions): Promise<void> {
    try {
      await this.#client.create(SECRETS, this.#secret, options);
    } catch (error) {
      // Its name says what it holds: another client made the very same.
      if (!isKubeStatus(error, 409)) throw error;
    }
  }
}

/** The name of the Secret that a worker pod has its bootstrap from. Secrets that users mount are none of ours. */
export function bootstrapSecretOf({ spec }: Pod): string | undefined {
  const volumes = (spec?.['volumes'] ?? []) as readonly Volume[];
  return volumes.find(({ name }) => name === BOOTSTRAP_VOLUME)?.secret?.secretName;
}

interface Volume {
  readonly name?: string;
  readonly secret?: { readonly secretName?: string };
}
