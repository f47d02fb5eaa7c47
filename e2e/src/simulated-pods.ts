/** A simulated cluster beside the real one, whose pods are worker processes of this machine. */
import { fileURLToPath } from 'node:url';
import { startSimulatedKubernetes, type SimulatedKubernetes } from '@splitrock/testkit/kubernetes';
import { workerMainUrl } from '@splitrock/worker';

const NAMESPACE = 'work';
const IMAGE = 'worker:1';

export class SimulatedPods {
  readonly #kubernetes: SimulatedKubernetes;

  private constructor(kubernetes: SimulatedKubernetes) {
    this.#kubernetes = kubernetes;
  }

  static async start(): Promise<SimulatedPods> {
    const entrypoint = [process.execPath, '--conditions=@splitrock/source', fileURLToPath(workerMainUrl)];
    const kubernetes = await startSimulatedKubernetes({
      nodes: [
        { name: 'node-a', cpu: '8', memory: '8Gi' },
        { name: 'node-b', cpu: '4', memory: '4Gi' },
      ],
      // A node looks for a Secret that is made right after its Job.
      timings: { retryMs: 100 },
      namespaces: [{ name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } }],
      images: { [IMAGE]: { kind: 'process', entrypoint } },
    });
    return new SimulatedPods(kubernetes);
  }

  /** Options of a Kubernetes backend. */
  get options(): object {
    return {
      kubeconfig: this.#kubernetes.kubeconfigPath,
      namespace: NAMESPACE,
      image: IMAGE,
      sizing: { kind: 'fixed', cpu: '1', memory: '512Mi' },
      slots: { workerProcesses: 2 },
      maxWorkers: 1,
      idleTimeoutSeconds: 5,
    };
  }

  stop(): Promise<void> {
    return this.#kubernetes.stop();
  }
}
