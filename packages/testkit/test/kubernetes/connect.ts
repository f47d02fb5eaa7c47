import { AuthorizationV1Api, BatchV1Api, CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import type { SimulatedKubernetes } from '../../src/kubernetes/index.ts';

export interface Clients {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  readonly authorization: AuthorizationV1Api;
}

/** The official client, as a backend would use it. */
export function connect(kubernetes: SimulatedKubernetes): Clients {
  const config = new KubeConfig();
  config.loadFromString(kubernetes.kubeconfig);
  return {
    config,
    core: config.makeApiClient(CoreV1Api),
    batch: config.makeApiClient(BatchV1Api),
    authorization: config.makeApiClient(AuthorizationV1Api),
  };
}

/** A pod with one container called main. */
export function podOf(name: string, image: string, more: Partial<V1Pod['spec']> = {}, container = {}): V1Pod {
  return {
    metadata: { name },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image, ...container }], ...more },
  };
}
