import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someNode, someOptions, somePod } from '../../test/kube-samples.ts';
import type { Pod } from '../api/kube-objects.ts';
import { formatBytes, formatCpu } from '../quantities/quantity.ts';
import type { PerNodeSizing } from '../worker-pod/sizing-schema.ts';
import { nodeRooms } from './node-room.ts';
import { placementRules } from './placement-rules.ts';
import { lacking, podRequests } from './resource-amounts.ts';
import { fixedWorkerSize, perNodeWorkerSize, type WorkerSize } from './worker-size.ts';

const GIB = 1024 ** 3;
const rules = placementRules(someOptions());
const container = (requests: object, more: object = {}) => ({ name: 'c', resources: { requests }, ...more }) as never;

describe('what a pod takes', () => {
  it.each<[string, Pod['spec'], object]>([
    [
      'is its containers together',
      { containers: [container({ cpu: '1' }), container({ cpu: '500m', memory: '1Gi' })] },
      { cpu: 1500, memory: GIB, pods: 1 },
    ],
    [
      'is its limit where it has no request',
      { containers: [{ name: 'c', resources: { limits: { cpu: '2' } } }] },
      { cpu: 2000, pods: 1 },
    ],
    [
      'is its greediest init container if that is more',
      { containers: [container({ cpu: '1' })], initContainers: [container({ cpu: '3' }), container({ cpu: '2' })] },
      { cpu: 3000, pods: 1 },
    ],
    [
      'counts sidecars with the containers',
      { containers: [container({ cpu: '1' })], initContainers: [container({ cpu: '1' }, { restartPolicy: 'Always' })] },
      { cpu: 2000, pods: 1 },
    ],
    [
      'counts sidecars with the init containers behind them',
      {
        containers: [container({ cpu: '1' })],
        initContainers: [container({ cpu: '1' }, { restartPolicy: 'Always' }), container({ cpu: '4' })],
      },
      { cpu: 5000, pods: 1 },
    ],
    [
      'has the overhead of its runtime',
      { containers: [container({ cpu: '1' })], overhead: { cpu: '250m' } },
      { cpu: 1250, pods: 1 },
    ],
  ])('%s', (_name, spec, amounts) => {
    expect(podRequests(spec === undefined ? {} : { spec })).toEqual(amounts);
  });
});

describe('the room of a node', () => {
  it('is what is allocatable less what its pods ask for, ended ones and the pool’s own left out', () => {
    const requests = { cpu: '1', memory: '1Gi' };
    const pods = [
      somePod('runs', { node: 'node-a', requests }),
      somePod('elsewhere', { node: 'node-b', requests }),
      somePod('nowhere', { requests, status: { phase: 'Pending' } }),
      somePod('done', { node: 'node-a', requests, status: { phase: 'Succeeded' } }),
      somePod('failed', { node: 'node-a', requests, status: { phase: 'Failed' } }),
      somePod('leaving', { node: 'node-a', requests, deletionTimestamp: '2026-01-01T00:00:00Z' }),
      somePod('own', { node: 'node-a', requests, labels: { mine: 'yes' } }),
    ];
    const rooms = nodeRooms(
      [someNode('node-b'), someNode('node-a')],
      pods,
      rules,
      (pod) => pod.metadata?.labels?.['mine'] === 'yes',
    );
    expect(rooms.map(({ name, free }) => [name, free['cpu'], free['memory'], free['pods']])).toEqual([
      ['node-a', 6000, 6 * GIB, 108],
      ['node-b', 7000, 7 * GIB, 109],
    ]);
  });

  it('is known of nodes that take no workers too, with the reason', () => {
    const [room] = nodeRooms([someNode('node-a', { ready: false })], [], rules);
    expect(room).toMatchObject({ hostname: 'node-a', unusable: 'is not ready' });
  });
});

const perNode = (sizing: object, free: Record<string, number>, more: object = {}): WorkerSize | undefined => {
  const options = someOptions({ sizing: { kind: 'per-node', ...sizing }, ...more });
  return perNodeWorkerSize(options.sizing as PerNodeSizing, options, free);
};

describe('a worker sized to its node', () => {
  const free = { cpu: 7600, memory: 8 * GIB, pods: 10 };
  it.each<[string, object, object, Partial<WorkerSize> | undefined]>([
    [
      'takes whole processes and the same share of memory',
      {},
      {},
      { workerProcesses: 7, requests: { cpu: 7000, memory: Math.floor((8192 * 7) / 7.6) * 1024 ** 2 } },
    ],
    [
      'takes what its processes need',
      { cpuPerProcess: '2', memoryPerProcess: '1Gi' },
      {},
      { workerProcesses: 3, requests: { cpu: 6000, memory: 3 * GIB } },
    ],
    [
      'is held by the memory where that is scarcer',
      { memoryPerProcess: '3Gi' },
      {},
      { workerProcesses: 2, requests: { cpu: 2000, memory: 6 * GIB } },
    ],
    ['leaves free what it is told to', { leaveFreeCpu: '4', memoryPerProcess: '1Gi' }, {}, { workerProcesses: 3 }],
    ['has no more processes than allowed', { maxProcesses: 2 }, {}, { workerProcesses: 2 }],
    ['is none where not one process fits', { cpuPerProcess: '8' }, {}, undefined],
    ['is none where all is to stay free', { leaveFreeMemory: '8Gi' }, {}, undefined],
    ['is none where another resource is missing', {}, { extendedResources: { 'nvidia.com/gpu': 1 } }, undefined],
    ['runs several calls in a process', { maxProcesses: 2 }, { slots: { callsPerProcess: 50 } }, { slots: 100 }],
    [
      'has limits like its requests where asked',
      { maxProcesses: 1, memoryPerProcess: '1Gi' },
      { limits: { cpu: 'request' } },
      { limits: { cpu: 1000, memory: GIB } },
    ],
  ])('%s', (_name, sizing, more, size) => {
    const made = perNode(sizing, free, more);
    if (size === undefined) expect(made).toBe(undefined);
    else expect(made).toMatchObject(size);
  });

  it('always fits, and one process more would not', () => {
    const free = fc.record({ cpu: fc.nat(200_000), memory: fc.nat({ max: 2 ** 42 }), pods: fc.nat(110) });
    fc.assert(
      fc.property(
        free,
        fc.integer({ min: 1, max: 4000 }),
        fc.option(fc.integer({ min: 4 * 1024 ** 2, max: 2 ** 38 })),
        (free, cpu, memory) => {
          const sizing = {
            cpuPerProcess: formatCpu(cpu),
            ...(memory === null ? {} : { memoryPerProcess: formatBytes(memory) }),
          };
          const size = perNode(sizing, free);
          const fitsOneMore =
            (free.cpu >= ((size?.workerProcesses ?? 0) + 1) * cpu || cpu === 0) &&
            free.memory >= ((size?.workerProcesses ?? 0) + 1) * (memory ?? 1) &&
            free.pods > 0;
          expect(fitsOneMore && (size?.workerProcesses ?? 0) < 4096).toBe(false);
          if (size !== undefined) expect(lacking({ ...size.requests, pods: 1 }, free)).toEqual([]);
        },
      ),
    );
  });
});

describe('a worker of fixed size', () => {
  it.each<[object, Partial<WorkerSize>]>([
    [{}, { requests: { cpu: 1000, memory: GIB }, limits: { memory: GIB }, workerProcesses: 1, slots: 1 }],
    [{ sizing: { kind: 'fixed', cpu: '3500m' } }, { workerProcesses: 3, slots: 3 }],
    [{ sizing: { kind: 'fixed', cpu: 0.2 } }, { workerProcesses: 1, requests: { cpu: 200, memory: GIB } }],
    [{ slots: { workerProcesses: 8, callsPerProcess: 10 } }, { workerProcesses: 8, slots: 80 }],
    [{ limits: { cpu: '2', memory: 'none' } }, { limits: { cpu: 2000 } }],
    [
      { ephemeralStorage: '1Gi', extendedResources: { 'nvidia.com/gpu': 2 } },
      { requests: { cpu: 1000, memory: GIB, 'ephemeral-storage': GIB, 'nvidia.com/gpu': 2 } },
    ],
  ])('of %j', (given, size) => {
    const options = someOptions(given);
    if (options.sizing.kind !== 'fixed') throw new Error('not fixed');
    expect(fixedWorkerSize(options.sizing, options)).toMatchObject(size);
  });
});
