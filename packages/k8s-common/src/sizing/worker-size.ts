/** How big a worker is: what its pod asks for, and how many calls it runs at once. */
import { cpuMillis, wholeUnits } from '../quantities/quantity.ts';
import type { KubernetesOptions } from '../worker-pod/kubernetes-options.ts';
import type { FixedSizing, PerNodeSizing } from '../worker-pod/sizing-schema.ts';
import { lacking, type ResourceAmounts } from './resource-amounts.ts';

export interface WorkerSize {
  readonly requests: ResourceAmounts;
  readonly limits: ResourceAmounts;
  readonly workerProcesses: number;
  /** Calls that it runs at once. */
  readonly slots: number;
}

type SizeOptions = Pick<KubernetesOptions, 'limits' | 'ephemeralStorage' | 'extendedResources' | 'slots'>;

/** The size that all workers of a pool with fixed sizing have. */
export function fixedWorkerSize(sizing: FixedSizing, options: SizeOptions): WorkerSize {
  const cpu = cpuMillis(sizing.cpu);
  const workerProcesses = options.slots.workerProcesses ?? Math.max(1, Math.floor(cpu / 1000));
  return sizeOf({ cpu, memory: wholeUnits(sizing.memory) }, workerProcesses, options);
}

/**
 * The largest worker for what is free on a node: whole processes, as many as CPU and memory, less what stays free, have
 * room for. `undefined` if there is no room for a single one.
 */
export function perNodeWorkerSize(
  sizing: PerNodeSizing,
  options: SizeOptions,
  free: ResourceAmounts,
): WorkerSize | undefined {
  const cpu = (free['cpu'] ?? 0) - (sizing.leaveFreeCpu === undefined ? 0 : cpuMillis(sizing.leaveFreeCpu));
  const memory =
    (free['memory'] ?? 0) - (sizing.leaveFreeMemory === undefined ? 0 : wholeUnits(sizing.leaveFreeMemory));
  if (cpu <= 0 || memory <= 0 || free['pods'] === 0) return undefined;
  const cpuEach = cpuMillis(sizing.cpuPerProcess);
  const memoryEach = sizing.memoryPerProcess === undefined ? undefined : wholeUnits(sizing.memoryPerProcess);
  const byMemory = memoryEach === undefined ? Infinity : Math.floor(memory / memoryEach);
  const processes = Math.min(Math.floor(cpu / cpuEach), byMemory, sizing.maxProcesses);
  if (processes < 1) return undefined;
  const cpuTaken = processes * cpuEach;
  const memoryTaken = memoryEach === undefined ? wholeMiB((memory * cpuTaken) / cpu) : processes * memoryEach;
  const size = sizeOf({ cpu: cpuTaken, memory: memoryTaken }, processes, options);
  return lacking(size.requests, free).length === 0 ? size : undefined;
}

const MIB = 1024 * 1024;
/** Rounded down so that sizes are readable; less than one MiB stays what it is. */
const wholeMiB = (bytes: number): number => (bytes < MIB ? Math.floor(bytes) : Math.floor(bytes / MIB) * MIB);

function sizeOf(
  { cpu, memory }: { readonly cpu: number; readonly memory: number },
  workerProcesses: number,
  { limits, ephemeralStorage, extendedResources, slots }: SizeOptions,
): WorkerSize {
  const disk = ephemeralStorage === undefined ? {} : { 'ephemeral-storage': wholeUnits(ephemeralStorage) };
  const both = { ...disk, ...extendedResources };
  return {
    requests: { cpu, memory, ...both },
    limits: {
      ...limitOf('cpu', limits.cpu, cpu, cpuMillis),
      ...limitOf('memory', limits.memory, memory, wholeUnits),
      ...both,
    },
    workerProcesses,
    slots: workerProcesses * slots.callsPerProcess,
  };
}

function limitOf(name: string, limit: string, request: number, measure: (text: string) => number): ResourceAmounts {
  if (limit === 'none') return {};
  return { [name]: limit === 'request' ? request : measure(limit) };
}
