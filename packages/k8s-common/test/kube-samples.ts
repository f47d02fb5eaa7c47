/** Nodes and pods in the shapes that real API servers send, with what a test does not care about left to defaults. */
import type { KubeNode, Pod, PodStatus, Quantities, Taint } from '../src/api/kube-objects.ts';
import { kubernetesOptionsSchema, type KubernetesOptions } from '../src/worker-pod/kubernetes-options.ts';

export const someOptions = (given: object = {}): KubernetesOptions =>
  kubernetesOptionsSchema.parse({ image: 'registry.example/worker:1', ...given });

export interface NodeSample {
  readonly cpu?: string;
  readonly memory?: string;
  readonly more?: Quantities;
  readonly taints?: readonly Taint[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ready?: boolean;
  readonly unschedulable?: boolean;
}

export function someNode(name: string, sample: NodeSample = {}): KubeNode {
  const { cpu = '8', memory = '8Gi', more = {}, taints = [], labels = {}, ready = true, unschedulable } = sample;
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { taints, ...(unschedulable === undefined ? {} : { unschedulable }) },
    status: {
      allocatable: { cpu, memory, pods: '110', 'ephemeral-storage': '50Gi', ...more },
      conditions: [
        { type: 'MemoryPressure', status: 'False' },
        { type: 'Ready', status: ready ? 'True' : 'Unknown' },
      ],
    },
  };
}

export interface PodSample {
  readonly node?: string;
  readonly requests?: Quantities;
  readonly status?: PodStatus;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
}

export function somePod(name: string, sample: PodSample = {}): Pod {
  const {
    node,
    requests = {},
    status = { phase: 'Running' },
    labels = {},
    annotations = {},
    deletionTimestamp,
  } = sample;
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      labels,
      annotations,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: {
      ...(node === undefined ? {} : { nodeName: node }),
      containers: [{ name: 'worker', resources: { requests } }],
    },
    status,
  };
}
