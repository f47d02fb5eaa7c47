export {
  SimulatedKubernetes,
  startSimulatedKubernetes,
  type PodKey,
  type SimulatedKubernetesOptions,
  type SimulatedNamespace,
} from './simulated-kubernetes.ts';
export type { SimulatedTimings } from './timings.ts';
export type { SimulatedNode } from './kubelet/node-description.ts';
export {
  IDLE_IMAGE,
  type ProcessImage,
  type ScriptedImage,
  type ScriptedRun,
  type SimulatedImage,
  type UnpullableImage,
} from './kubelet/images.ts';
export type { ContainerContext } from './kubelet/container.ts';
export type { ApiFaults, Fault, FaultCode, FailureOptions } from './faults/api-faults.ts';
export type { RequestLog } from './faults/request-log.ts';
export type { LoggedRequest, RequestMatch } from './faults/request-match.ts';
export type { ResourceName, ResourceObjects } from './objects/cluster.ts';
export type { Pod } from './objects/pod.ts';
