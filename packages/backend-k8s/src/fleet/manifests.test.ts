import { kubernetesOptionsSchema, fixedWorkerSize } from '@splitrock/k8s-common';
import { describe, expect, it } from 'vitest';
import { kubeJob, type JobPlan } from './manifests.ts';

const affinity = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['a'] }] }],
    },
  },
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }] },
};
const options = kubernetesOptionsSchema.parse({
  image: 'worker:1',
  sizing: { kind: 'fixed', cpu: '1', memory: '512Mi' },
  affinity,
  labels: { team: 'blue' },
});

function podOf(
  component: 'worker' | 'master',
  more: Partial<typeof options> = {},
): NonNullable<NonNullable<ReturnType<typeof kubeJob>['spec']>['template']> {
  const size = fixedWorkerSize({ kind: 'fixed', cpu: '1', memory: '512Mi' }, options);
  const identity = { tenant: 'team', pool: 'p', namespace: 'work' };
  const plan: JobPlan = {
    name: 'a-job',
    identity,
    size,
    component,
    parallelism: 1,
    place: 'any',
    madeBy: 'abcdefghijkl',
    labels: { own: 'label' },
    keepSeconds: 60,
  };
  const template = kubeJob(plan, { ...options, ...more }).spec?.template;
  if (template === undefined) throw new Error('a Job has a template');
  return template;
}

describe('the pods of a Kubernetes Job', () => {
  it('are placed as the options say; the master is, too, but for what workers want of each other', () => {
    expect(podOf('worker').spec).toMatchObject({ affinity });
    expect(podOf('master').spec).toMatchObject({ affinity: { nodeAffinity: affinity.nodeAffinity } });
    expect(podOf('master').spec).not.toHaveProperty('affinity.podAntiAffinity');
  });

  it('are replaced soon when their node is not heard of, unless the options say when', () => {
    const soon = (key: string): object => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 10 });
    const away = soon('node.kubernetes.io/unreachable');
    const unready = soon('node.kubernetes.io/not-ready');
    const gpu = { key: 'gpu', operator: 'Exists' as const };
    const patient = { key: 'node.kubernetes.io/unreachable', operator: 'Exists' as const, tolerationSeconds: 900 };
    const all = { operator: 'Exists' as const };
    for (const component of ['worker', 'master'] as const) {
      expect(podOf(component, { tolerations: [gpu] }).spec).toMatchObject({ tolerations: [gpu, away, unready] });
      expect(podOf(component, { tolerations: [patient] }).spec).toMatchObject({ tolerations: [patient, unready] });
      expect(podOf(component, { tolerations: [all] }).spec).toMatchObject({ tolerations: [all] });
    }
  });

  it('have the labels of the options and of the job', () => {
    expect(podOf('worker').metadata?.labels).toMatchObject({ team: 'blue', own: 'label' });
  });
});
