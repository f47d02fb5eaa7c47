export { Informer, type InformerListener } from './api/informer.ts';
export { loadKubeAccess, type KubeAccess } from './api/kube-access.ts';
export { EVENTS, JOBS, KubeClient, PODS, SECRETS, type KubeResource } from './api/kube-client.ts';
export { KubeApiError, isKubeStatus } from './api/kube-error.ts';
export type { KubeEvent, KubeJob, Pod, Secret } from './api/kube-objects.ts';
export type { PodAnswer } from './api/kube-transport.ts';
export { checkSubmission } from './calls/check-submission.ts';
export { WorkerRoster, type RosterWorker } from './calls/worker-roster.ts';
export { apiTrouble, refusalTrouble } from './diagnosis/api-trouble.ts';
export type { Trouble } from './diagnosis/diagnosis-codes.ts';
export { podDeath, type PodDeath } from './diagnosis/pod-death.ts';
export { eventTrouble } from './diagnosis/pod-trouble.ts';
export { checkClusterAccess, type ClusterAccess } from './manifests/check-access.ts';
export { kedaManifest, type KedaManifestOptions } from './manifests/keda-manifest.ts';
export { rbacManifest, type RbacManifestOptions } from './manifests/rbac-manifest.ts';
export { KubernetesWorkerPool, type KubernetesPoolSetup } from './pool/kubernetes-worker-pool.ts';
export { ClusterView, type ClusterViewListener } from './pool/cluster-view.ts';
export { viewPod, type PodView } from './pool/pod-view.ts';
export { PodsSeen } from './pool/pods-seen.ts';
export { isExaminable, poolTroubles } from './pool/pool-troubles.ts';
export { StartFailures } from './pool/start-failures.ts';
export { ToldTroubles } from './pool/told-troubles.ts';
export { perNodeSizes } from './pool/growth.ts';
export type { NodeRoom } from './sizing/node-room.ts';
export { placementRules } from './sizing/placement-rules.ts';
export { fixedWorkerSize, type WorkerSize } from './sizing/worker-size.ts';
export { bootstrapSecret, contentHash } from './worker-pod/bootstrap-secret.ts';
export { cpuQuantity, memoryQuantity } from './worker-pod/kube-schemas.ts';
export { encodeKubeName, shortHash } from './worker-pod/kube-names.ts';
export { workerPod, type WorkerPodPlan } from './worker-pod/worker-pod.ts';
export { pluginsInImage } from './worker-pod/worker-plugins.ts';
export type { PoolBootstrap } from './worker-pod/bootstrap-secret.ts';
export {
  checkKubernetesOptions,
  kubernetesOptionsSchema,
  kubernetesOptionsShape,
  type KubernetesOptions,
} from './worker-pod/kubernetes-options.ts';
export { LABELS, poolLabels, poolPrefix, poolSelector, type PoolIdentity } from './worker-pod/pool-identity.ts';
export { poolNameOf, workerOptions } from './worker-pod/pool-name.ts';
export type { PoolDemand, WorkerPool, WorkerPoolListener } from './worker-pool.ts';
