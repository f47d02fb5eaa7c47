/** The kinds around pods: nodes, jobs, events, and what pods refer to. */
import type { LabelSelector } from './affinity.ts';
import type { Condition, KubernetesObject, ObjectMetadata, ObjectReference, ResourceList } from './metadata.ts';
import type { Pod, PodSpec } from './pod.ts';

export interface Taint {
  key: string;
  value?: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  timeAdded?: string;
}

export interface Node extends KubernetesObject {
  spec: { unschedulable?: boolean; taints?: Taint[]; podCIDR?: string; providerID?: string };
  status: {
    capacity?: ResourceList;
    allocatable?: ResourceList;
    conditions?: Condition[];
    addresses?: { type: string; address: string }[];
    images?: { names: string[]; sizeBytes: number }[];
    nodeInfo?: Record<string, string>;
  };
}

export interface JobSpec {
  template: { metadata?: Partial<ObjectMetadata>; spec: PodSpec };
  selector?: LabelSelector;
  manualSelector?: boolean;
  parallelism?: number;
  completions?: number;
  completionMode?: 'NonIndexed' | 'Indexed';
  backoffLimit?: number;
  activeDeadlineSeconds?: number;
  ttlSecondsAfterFinished?: number;
  suspend?: boolean;
  podReplacementPolicy?: 'TerminatingOrFailed' | 'Failed';
}

export interface Job extends KubernetesObject {
  spec: JobSpec;
  status: {
    active?: number;
    ready?: number;
    terminating?: number;
    succeeded?: number;
    failed?: number;
    startTime?: string;
    completionTime?: string;
    completedIndexes?: string;
    conditions?: Condition[];
  };
}

/** An event of core/v1. The scheduler writes the newer form: no counts, the time in `eventTime`. */
export interface Event extends KubernetesObject {
  involvedObject: ObjectReference;
  reason: string;
  message: string;
  type: 'Normal' | 'Warning';
  count?: number;
  firstTimestamp: string | null;
  lastTimestamp: string | null;
  eventTime: string | null;
  action?: string;
  source: { component?: string; host?: string };
  reportingComponent: string;
  reportingInstance: string;
}

export interface Secret extends KubernetesObject {
  type?: string;
  immutable?: boolean;
  /** Base64. */
  data?: Record<string, string>;
  /** Written only; the server moves it into `data`. */
  stringData?: Record<string, string>;
}

export interface ConfigMap extends KubernetesObject {
  immutable?: boolean;
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

export interface Lease extends KubernetesObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface Namespace extends KubernetesObject {
  spec?: { finalizers?: string[] };
  status: { phase: 'Active' | 'Terminating' };
}

export interface ResourceQuota extends KubernetesObject {
  spec: { hard?: ResourceList };
  status: { hard?: ResourceList; used?: ResourceList };
}

export interface ServiceAccount extends KubernetesObject {
  imagePullSecrets?: { name: string }[];
  automountServiceAccountToken?: boolean;
}

export interface PriorityClass extends KubernetesObject {
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: 'PreemptLowerPriority' | 'Never';
  description?: string;
}

/** The object of each resource that the simulated API serves. */
export interface ResourceObjects {
  configmaps: ConfigMap;
  events: Event;
  jobs: Job;
  leases: Lease;
  namespaces: Namespace;
  nodes: Node;
  pods: Pod;
  priorityclasses: PriorityClass;
  resourcequotas: ResourceQuota;
  secrets: Secret;
  serviceaccounts: ServiceAccount;
}

export type ResourceName = keyof ResourceObjects;
