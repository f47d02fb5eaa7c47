import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSilent,
  leavesOf,
  mapOf,
  mergeMaps,
  mergeNodes,
  nodeAt,
  nodeOf,
  valueOf,
  type ConfigNode,
} from './config-tree.ts';

const low = { kind: 'file', file: '/low.yaml' } as const;
const high = { kind: 'code' } as const;
const silent: ConfigNode = { kind: 'leaf', value: undefined, origin: high };

describe('merging', () => {
  it.each([
    ['maps merge key by key', { a: 1, b: { c: 1, d: 1 } }, { b: { d: 2, e: 2 } }, { a: 1, b: { c: 1, d: 2, e: 2 } }],
    ['lists replace', { a: [1, 2, 3] }, { a: [4] }, { a: [4] }],
    ['a scalar replaces a map', { a: { b: 1 } }, { a: 2 }, { a: 2 }],
    ['a map replaces a scalar', { a: 2 }, { a: { b: 1 } }, { a: { b: 1 } }],
    ['null replaces', { a: { b: 1 } }, { a: null }, { a: null }],
    ['undefined members say nothing', { a: 1 }, { a: undefined }, { a: 1 }],
    [
      'a key named __proto__ is a key',
      {},
      JSON.parse('{"__proto__": {"polluted": true}}'),
      JSON.parse('{"__proto__": {"polluted": true}}'),
    ],
  ])('%s', (_case, base, over, expected) => {
    const merged = valueOf(mergeNodes(nodeOf(base, low), nodeOf(over, high)));
    expect(merged).toEqual(expected);
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });

  it('lets a key with nothing after it change nothing', () => {
    expect(valueOf(mergeNodes(nodeOf({ b: 1 }, low), silent))).toEqual({ b: 1 });
    expect(isSilent(silent)).toBe(true);
    expect(valueOf({ kind: 'map', entries: new Map([['a', silent]]), origin: high })).toEqual({});
  });

  it('keeps the origin of the layer that won', () => {
    const tree = mergeMaps(mapOf({ a: 1, b: { c: 1, d: 1 } }, low), mapOf({ b: { d: 2 } }, high));
    expect(nodeAt(tree, ['a'])?.origin).toEqual(low);
    expect(nodeAt(tree, ['b', 'c'])?.origin).toEqual(low);
    expect(nodeAt(tree, ['b', 'd'])?.origin).toEqual(high);
    expect(nodeAt(tree, ['b', 'x'])).toBeUndefined();
    expect(nodeAt(tree, ['a', 'x'])).toBeUndefined();
  });

  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.integer(),
        fc.array(fc.integer(), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value')),
      ),
    })).value,
  );

  it('keeps every value of the upper layer, whatever the layers hold', () => {
    fc.assert(
      fc.property(json, json, (base, over) => {
        const merged = mergeMaps(mapOf(base, low), mapOf(over, high));
        for (const { path, node } of leavesOf(mapOf(over, high))) {
          const found = nodeAt(merged, path);
          // An empty map adds nothing to what lies below it.
          if (node.kind === 'map') expect(found?.kind).toBe('map');
          else expect(found).toEqual(node);
        }
      }),
    );
  });

  it('gives back every value that went in', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(valueOf(nodeOf(value, low))).toEqual(value);
      }),
    );
  });
});

describe('nodeOf', () => {
  it('takes objects with functions, and instances, for values and not for sections', () => {
    const descriptor = { name: 'x', createStorage: () => undefined };
    const date = new Date(0);
    expect(nodeOf({ storage: descriptor, at: date }, low)).toMatchObject({ kind: 'map' });
    expect(valueOf(nodeOf({ storage: descriptor, at: date }, low))).toEqual({ storage: descriptor, at: date });
    expect((valueOf(nodeOf({ storage: descriptor }, low)) as { storage: unknown }).storage).toBe(descriptor);
  });

  it('ends at a cycle', () => {
    const cyclic: Record<string, unknown> = { a: 1 };
    cyclic['self'] = cyclic;
    expect(nodeAt(nodeOf(cyclic, low), ['self'])).toMatchObject({ kind: 'leaf' });
  });

  it('lists leaves and empty collections with their paths', () => {
    const tree = nodeOf({ a: 1, b: { c: [2, 3], d: {} }, e: [] }, low);
    expect(Array.from(leavesOf(tree), ({ path, node }) => [path.join('.'), valueOf(node)])).toEqual([
      ['a', 1],
      ['b.c.0', 2],
      ['b.c.1', 3],
      ['b.d', {}],
      ['e', []],
    ]);
  });
});
