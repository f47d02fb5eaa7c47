import { describe, expect, it } from 'vitest';
import { ApiError } from '../api-error.ts';
import { applyPatch, type Json } from './patch.ts';

const STRATEGIC = 'application/strategic-merge-patch+json';
const MERGE = 'application/merge-patch+json';
const OPERATIONS = 'application/json-patch+json';

const pod = (): Json => ({
  metadata: { labels: { a: '1', b: '2' }, finalizers: ['x'] },
  spec: {
    containers: [
      { name: 'main', image: 'one' },
      { name: 'side', image: 'two' },
    ],
    args: ['a', 'b'],
  },
});

interface Case {
  readonly what: string;
  readonly type: string;
  readonly patch: Json;
  readonly expected: Json;
}

const CASES: readonly Case[] = [
  {
    what: 'a merge patch sets, removes and replaces lists as a whole',
    type: MERGE,
    patch: { metadata: { labels: { a: null, c: '3' } }, spec: { containers: [{ name: 'other' }] } },
    expected: {
      metadata: { labels: { b: '2', c: '3' }, finalizers: ['x'] },
      spec: { containers: [{ name: 'other' }], args: ['a', 'b'] },
    },
  },
  {
    what: 'a strategic patch merges containers by name and replaces plain lists',
    type: STRATEGIC,
    patch: { spec: { containers: [{ name: 'side', image: 'three' }, { name: 'new' }], args: ['c'] } },
    expected: {
      metadata: { labels: { a: '1', b: '2' }, finalizers: ['x'] },
      spec: {
        containers: [{ name: 'main', image: 'one' }, { name: 'side', image: 'three' }, { name: 'new' }],
        args: ['c'],
      },
    },
  },
  {
    what: 'a strategic patch follows its directives',
    type: STRATEGIC,
    patch: {
      metadata: { $patch: 'replace', labels: { only: 'this' } },
      spec: { containers: [{ name: 'main', $patch: 'delete' }], '$setElementOrder/containers': [{ name: 'side' }] },
    },
    expected: {
      metadata: { labels: { only: 'this' } },
      spec: { containers: [{ name: 'side', image: 'two' }], args: ['a', 'b'] },
    },
  },
  {
    what: 'a strategic patch adds to finalizers and takes from them',
    type: STRATEGIC,
    patch: { metadata: { finalizers: ['y'], labels: null } },
    expected: {
      metadata: { finalizers: ['x', 'y'] },
      spec: {
        containers: [
          { name: 'main', image: 'one' },
          { name: 'side', image: 'two' },
        ],
        args: ['a', 'b'],
      },
    },
  },
  {
    what: 'operations are done in order, with escaped paths',
    type: OPERATIONS,
    patch: [
      { op: 'test', path: '/metadata/labels/a', value: '1' },
      { op: 'add', path: '/metadata/labels/x~1y', value: '3' },
      { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/moved' },
      { op: 'add', path: '/spec/args/0', value: 'first' },
      { op: 'add', path: '/spec/args/-', value: 'last' },
      { op: 'remove', path: '/spec/containers/0' },
      { op: 'replace', path: '/spec/containers/0/image', value: 'four' },
    ],
    expected: {
      metadata: { labels: { b: '2', 'x/y': '3', moved: '1' }, finalizers: ['x'] },
      spec: { containers: [{ name: 'side', image: 'four' }], args: ['first', 'a', 'b', 'last'] },
    },
  },
];

describe('patches', () => {
  it.each(CASES)('$what', ({ type, patch, expected }) => {
    const before = pod();
    expect(applyPatch(type, before, patch)).toEqual(expected);
    expect(before).toEqual(pod());
  });

  it.each([
    ['an unknown media type', 'application/apply-patch+yaml', {}, 415],
    ['a test that fails', OPERATIONS, [{ op: 'test', path: '/metadata/labels/a', value: '2' }], 422],
    ['a path that is not there', OPERATIONS, [{ op: 'remove', path: '/spec/nowhere/x' }], 422],
    ['an unknown operation', OPERATIONS, [{ op: 'swap', path: '/spec' }], 400],
    ['operations that are no list', OPERATIONS, {}, 400],
  ] as const)('are refused for %s', (_what, type, patch, code) => {
    let error: unknown;
    try {
      applyPatch(type, pod(), patch as unknown as Json);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).code).toBe(code);
  });
});
