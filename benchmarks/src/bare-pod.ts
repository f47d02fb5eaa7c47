/** How long a pod of an image needs to start that does nothing: what no cold start can be faster than. */
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { BenchSurroundings } from './kubernetes-surroundings.ts';

const NAMESPACE = 'default';
const LOOK_MS = 10;
const PATIENCE_MS = 60_000;

/** Seconds from the request that makes the pod until its container runs. The pod is removed. */
export async function startBarePod({ kubeconfig, image }: BenchSurroundings): Promise<number> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const name = `bare-${Date.now().toString(36)}`;
  const from = performance.now();
  await api.createNamespacedPod({
    namespace: NAMESPACE,
    body: {
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'worker',
            image,
            imagePullPolicy: 'IfNotPresent',
            command: [process.env['SPLITROCK_BENCH_NODE'] ?? 'node', '--eval', 'setInterval(() => {}, 60_000)'],
          },
        ],
      },
    },
  });
  try {
    for (;;) {
      const { status } = await api.readNamespacedPod({ namespace: NAMESPACE, name });
      const seconds = (performance.now() - from) / 1_000;
      if (status?.phase === 'Running') return seconds;
      if (seconds * 1_000 > PATIENCE_MS) throw new Error(`the bare pod is ${status?.phase} after ${seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    await api.deleteNamespacedPod({ namespace: NAMESPACE, name, gracePeriodSeconds: 0 });
  }
}
