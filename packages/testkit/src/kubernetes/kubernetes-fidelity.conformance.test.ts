import { describeKubernetesFidelity } from './fidelity/index.ts';
import { startSimulatedKubernetes } from './index.ts';

describeKubernetesFidelity({
  name: 'the simulated Kubernetes',
  async setup() {
    const kubernetes = await startSimulatedKubernetes({
      nodes: [
        { name: 'node-a', cpu: '8', memory: '8Gi' },
        { name: 'node-b', cpu: '4', memory: '4Gi' },
      ],
      images: { 'shell:1': { kind: 'process', entrypoint: ['/bin/sh'] } },
      // What a real cluster takes seconds for only to spare itself; the words and the order stay the same.
      timings: { retryMs: 50, restartBackoffMs: 50, pullBackoffMs: 1_000, jobBackoffMs: 50 },
    });
    return {
      kubeconfig: kubernetes.kubeconfig,
      shell: { image: 'shell:1', command: ['/bin/sh', '-c'], sleep: 'sleep' },
      forgetHistory: () => kubernetes.faults.compactHistory(),
      close: () => kubernetes.stop(),
    };
  },
  capabilities: { podSecurity: true, indexedJobs: true, forgetHistory: true },
  deadlineMs: 10_000,
});
