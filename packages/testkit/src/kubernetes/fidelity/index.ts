export { describeKubernetesFidelity } from './kubernetes-fidelity.ts';
export type { KubernetesCapabilities, KubernetesTarget, ReachedKubernetes, ShellImage } from './fidelity-target.ts';
