import type { Node, Taint } from '../objects/cluster.ts';
import type { ResourceList } from '../objects/metadata.ts';
import { toTimestamp } from '../objects/timestamps.ts';
import type { NewObject } from '../store/object-store.ts';

/** A node of the simulated cluster: what it advertises. */
export interface SimulatedNode {
  readonly name: string;
  /** @defaultValue `4` */
  readonly cpu?: string;
  /** @defaultValue `8Gi` */
  readonly memory?: string;
  /** How many pods it takes. @defaultValue 110 */
  readonly pods?: number;
  /** Beside those that every node has (`kubernetes.io/hostname`, `…/os`, `…/arch`). */
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** Other resources, such as `{ 'nvidia.com/gpu': '2' }` or `{ 'ephemeral-storage': '20Gi' }`. */
  readonly resources?: Readonly<ResourceList>;
}

const KUBELET_VERSION = 'v1.31.0';

/** The object that the node's kubelet registers. */
export function describeNode(node: SimulatedNode, address: string, nowMs: number): NewObject<'nodes'> {
  const { name, cpu = '4', memory = '8Gi', pods = 110, labels = {}, taints = [], resources = {} } = node;
  const capacity: ResourceList = { cpu, memory, pods: String(pods), 'ephemeral-storage': '100Gi', ...resources };
  const system = { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture(), 'kubernetes.io/hostname': name };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { ...system, ...labels } },
    spec: taints.length === 0 ? {} : { taints: [...taints] },
    status: {
      capacity,
      allocatable: { ...capacity },
      conditions: healthyConditions(toTimestamp(nowMs)),
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        architecture: architecture(),
        operatingSystem: 'linux',
        kubeletVersion: KUBELET_VERSION,
        containerRuntimeVersion: 'containerd://1.7.0',
        osImage: 'simulated',
      },
    },
  };
}

/** The conditions of a node whose kubelet is well. */
export function healthyConditions(now: string): NonNullable<Node['status']['conditions']> {
  const times = { lastHeartbeatTime: now, lastTransitionTime: now };
  return [
    {
      type: 'MemoryPressure',
      status: 'False',
      reason: 'KubeletHasSufficientMemory',
      message: 'kubelet has sufficient memory available',
      ...times,
    },
    {
      type: 'DiskPressure',
      status: 'False',
      reason: 'KubeletHasNoDiskPressure',
      message: 'kubelet has no disk pressure',
      ...times,
    },
    {
      type: 'PIDPressure',
      status: 'False',
      reason: 'KubeletHasSufficientPID',
      message: 'kubelet has sufficient PID available',
      ...times,
    },
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status', ...times },
  ];
}

function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
