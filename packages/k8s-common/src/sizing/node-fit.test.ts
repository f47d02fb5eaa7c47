import { describe, expect, it } from 'vitest';
import { someNode, someOptions, type NodeSample } from '../../test/kube-samples.ts';
import { isTolerated, whyUnusable } from './node-fit.ts';
import { placementRules } from './placement-rules.ts';

const why = (node: NodeSample, options: object = {}): string | undefined =>
  whyUnusable(someNode('node-a', node), placementRules(someOptions(options)));

const affinityTo = (...nodeSelectorTerms: readonly object[]): object => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const expression = (key: string, operator: string, ...values: readonly string[]): object => ({
  matchExpressions: [{ key, operator, ...(values.length === 0 ? {} : { values }) }],
});
const gpu = { key: 'gpu', value: 'a100', effect: 'NoSchedule' };

describe('a node', () => {
  it.each<[string, NodeSample, object, string | undefined]>([
    ['that is ready takes workers', {}, {}, undefined],
    ['that is not ready does not', { ready: false }, {}, 'is not ready'],
    [
      'that is cordoned does not',
      { unschedulable: true },
      {},
      'has the taint node.kubernetes.io/unschedulable:NoSchedule',
    ],
    ['with a taint does not', { taints: [gpu] }, {}, 'has the taint gpu=a100:NoSchedule'],
    [
      'with a taint that evicts does not',
      { taints: [{ key: 'x', effect: 'NoExecute' }] },
      {},
      'has the taint x:NoExecute',
    ],
    ['with a soft taint does', { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }, {}, undefined],
    [
      'with a tolerated taint does',
      { taints: [gpu] },
      { tolerations: [{ key: 'gpu', operator: 'Exists' }] },
      undefined,
    ],
    ['without a label that is asked for does not', {}, { nodeSelector: { disk: 'ssd' } }, 'lacks the label disk=ssd'],
    ['with it does', { labels: { disk: 'ssd' } }, { nodeSelector: { disk: 'ssd' } }, undefined],
    [
      'that fits one of two affinity terms does',
      { labels: { a: '1' } },
      affinityTo(expression('b', 'Exists'), expression('a', 'In', '1')),
      undefined,
    ],
    ['that fits no term does not', {}, affinityTo(expression('b', 'Exists')), 'does not match the node affinity'],
    ['does not fit a term that asks for nothing', {}, affinityTo({}), 'does not match the node affinity'],
    [
      'without a label is not in its values, so it fits NotIn',
      {},
      affinityTo(expression('a', 'NotIn', '1')),
      undefined,
    ],
    ['without a label fits DoesNotExist', {}, affinityTo(expression('a', 'DoesNotExist')), undefined],
    [
      'with a greater number fits Gt',
      { labels: { cores: '16' } },
      affinityTo(expression('cores', 'Gt', '9')),
      undefined,
    ],
    [
      'with a text does not fit Lt',
      { labels: { cores: 'many' } },
      affinityTo(expression('cores', 'Lt', '9')),
      'does not match the node affinity',
    ],
    [
      'can be named by its field',
      {},
      affinityTo({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-a'] }] }),
      undefined,
    ],
  ])('%s', (_name, node, options, reason) => {
    expect(why(node, options)).toBe(reason);
  });
});

describe('a toleration', () => {
  it.each<[string, Parameters<typeof isTolerated>[1][0], boolean]>([
    ['of everything', { operator: 'Exists' }, true],
    ['of the key', { key: 'gpu', operator: 'Exists' }, true],
    ['of the key with the effect', { key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }, true],
    ['of another effect', { key: 'gpu', operator: 'Exists', effect: 'NoExecute' }, false],
    ['of the value', { key: 'gpu', value: 'a100' }, true],
    ['of another value', { key: 'gpu', value: 'v100' }, false],
    ['of another key', { key: 'tpu', operator: 'Exists' }, false],
    ['of no key but equal', { value: 'a100' }, false],
  ])('%s', (_name, toleration, tolerated) => {
    expect(isTolerated(gpu, [toleration])).toBe(tolerated);
  });
});
