import { describe, expect, it } from 'vitest';
import type { Node } from '../objects/cluster.ts';
import type { Pod, PodSpec } from '../objects/pod.ts';
import { choosePlacement } from './fit.ts';
import { NodeUsage } from './node-usage.ts';
import { findVictims } from './preemption.ts';

function nodeOf(
  name: string,
  cpu: string,
  more: { spec?: Node['spec']; labels?: Record<string, string>; memory?: string } = {},
): Node {
  const labels = { 'kubernetes.io/hostname': name, ...more.labels };
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '', labels };
  const allocatable = { cpu, memory: more.memory ?? '8Gi', pods: '3' };
  const conditions = [{ type: 'Ready', status: 'True' as const }];
  return { apiVersion: 'v1', kind: 'Node', metadata, spec: more.spec ?? {}, status: { allocatable, conditions } };
}

let pods = 0;
function podOf(
  requests: Record<string, string>,
  more: Partial<PodSpec> = {},
  labels: Record<string, string> = {},
): Pod {
  pods += 1;
  const name = `pod-${pods}`;
  const metadata = { name, namespace: 'x', uid: name, resourceVersion: '1', creationTimestamp: '', labels };
  const containers = [{ name: 'main', image: 'i', resources: { requests } }];
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers, ...more }, status: { phase: 'Pending' } };
}

const usageOf = (...placed: Pod[]): NodeUsage => {
  const usage = new NodeUsage();
  for (const pod of placed) usage.update(pod);
  return usage;
};
const placementOf = (pod: Pod, nodes: readonly Node[], usage = new NodeUsage()): string => {
  const placement = choosePlacement(pod, nodes, usage);
  return 'node' in placement ? placement.node.metadata.name : placement.unschedulable.message;
};
const required = (key: string, operator: 'In' | 'Gt' | 'Exists', values?: string[]): Partial<PodSpec> => {
  const matchExpressions = [{ key, operator, ...(values === undefined ? {} : { values }) }];
  const nodeSelectorTerms = [{ matchExpressions }];
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } };
};

describe('the scheduler', () => {
  const large = nodeOf('large', '8', { labels: { size: '8' } });
  const small = nodeOf('small', '2', { labels: { size: '2' } });

  it('prefers the emptier node', () => {
    expect(placementOf(podOf({ cpu: '1' }), [small, large])).toBe('large');
    const busy = usageOf(podOf({ cpu: '7' }, { nodeName: 'large' }));
    expect(placementOf(podOf({ cpu: '1' }), [small, large], busy)).toBe('small');
  });

  it('counts what pods ask for, and no longer when they have ended', () => {
    const placed = podOf({ cpu: '2' }, { nodeName: 'small' });
    const usage = usageOf(placed);
    expect(placementOf(podOf({ cpu: '1' }), [small], usage)).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    usage.update({ ...placed, status: { phase: 'Succeeded' } });
    expect(placementOf(podOf({ cpu: '1' }), [small], usage)).toBe('small');
  });

  it.each([
    ['a label', required('size', 'Gt', ['4']), 'large'],
    ['a name', required('kubernetes.io/hostname', 'In', ['small']), 'small'],
    ['a selector', { nodeSelector: { size: '2' } }, 'small'],
    [
      'nothing that is there',
      required('gpu', 'Exists'),
      "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
    ],
  ])('keeps to nodes by %s', (_what, spec, expected) => {
    expect(placementOf(podOf({}, spec), [small, large])).toBe(expected);
  });

  it('follows preferences where it has a choice', () => {
    const preference = { matchExpressions: [{ key: 'size', operator: 'In' as const, values: ['2'] }] };
    const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] };
    expect(placementOf(podOf({}, { affinity: { nodeAffinity } }), [small, large])).toBe('small');
  });

  it('keeps off tainted and cordoned nodes, and counts every reason', () => {
    const tainted = nodeOf('tainted', '8', { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } });
    const cordoned = nodeOf('cordoned', '8', { spec: { unschedulable: true } });
    const nodes = [small, tainted, cordoned];
    expect(placementOf(podOf({ cpu: '4', memory: '16Gi' }), nodes)).toBe(
      '0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 node(s) had untolerated taint {gpu: yes}, 1 node(s) were unschedulable.',
    );
    const tolerations = [{ key: 'gpu', operator: 'Exists' as const }];
    expect(placementOf(podOf({ cpu: '4' }, { tolerations }), nodes)).toBe('tainted');
  });

  it('puts no more pods on a node than it takes', () => {
    const full = usageOf(...[1, 2, 3].map(() => podOf({}, { nodeName: 'small' })));
    expect(placementOf(podOf({}), [small], full)).toBe('0/1 nodes are available: 1 Too many pods.');
  });

  it('keeps pods apart that want it', () => {
    const term = { labelSelector: { matchLabels: { app: 'a' } }, topologyKey: 'kubernetes.io/hostname' };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const usage = usageOf(podOf({}, { nodeName: 'large' }, { app: 'a' }));
    expect(placementOf(podOf({}, { affinity }, { app: 'a' }), [small, large], usage)).toBe('small');
    expect(placementOf(podOf({}, { affinity }, { app: 'a' }), [large], usage)).toContain('anti-affinity');
  });

  it('preempts as few as it must, and only what matters less', () => {
    const [low, lower, high] = [
      podOf({ cpu: '1' }, { nodeName: 'small', priority: 5 }),
      podOf({ cpu: '1' }, { nodeName: 'small', priority: 1 }),
      podOf({ cpu: '8' }, { nodeName: 'large', priority: 100 }),
    ];
    const usage = usageOf(low, lower, high);
    const urgent = podOf({ cpu: '1' }, { priority: 50 });
    expect(findVictims(urgent, [small, large], usage)).toEqual({ node: 'small', victims: [lower] });
    expect(findVictims(podOf({ cpu: '1' }, { priority: 1 }), [small, large], usage)).toBeUndefined();
    expect(
      findVictims(podOf({ cpu: '1' }, { priority: 50, preemptionPolicy: 'Never' }), [small], usage),
    ).toBeUndefined();
  });
});
