/** A real Kubernetes for tests. */
export type { Cluster, StartClusterOptions } from './cluster.ts';
export { DEFAULT_NODES, type NodeSpec } from './node-spec.ts';
export { podProcesses, type PodProcess } from './pod-processes.ts';
export { startCluster, whyNoCluster } from './start-cluster.ts';
