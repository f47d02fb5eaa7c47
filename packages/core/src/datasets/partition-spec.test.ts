import { describe, expect, it } from 'vitest';
import { decodePartitionSpec, encodePartitionSpec, type PartitionSpec } from './partition-spec.ts';

const PART = { size: 10, version: 'v', part: 1, parts: 2, start: 0, end: 5, newline: '\n' };

describe('the description of a part', () => {
  it.each<PartitionSpec['address']>([
    { kind: 'key', key: 'a/b' },
    { kind: 'key', key: 'a/b', file: '/home/b' },
    { kind: 'storage', storage: 's3', bucket: 'b', key: 'a' },
    { kind: 'storage', storage: 's3', bucket: undefined, key: 'a' },
    { kind: 'file', path: '/a' },
    { kind: 'url', url: 'http://a/b' },
  ])('comes back as it was: %o', (address) => {
    const spec = { address, ...PART };
    expect(decodePartitionSpec(encodePartitionSpec(spec))).toEqual(spec);
    const unknown = { address, ...PART, size: undefined, version: undefined, end: undefined, newline: null };
    expect(decodePartitionSpec(encodePartitionSpec(unknown))).toEqual(unknown);
  });

  const good: readonly unknown[] = [1, ['k', 'a'], null, null, 1, 1, 0, null, null];
  const changed = (index: number, value: unknown): unknown[] => good.with(index, value);
  it.each([
    ['no JSON', undefined],
    ['an object', {}],
    ['a field less', good.slice(1)],
    ['a field more', [...good, 1]],
    ['another version', changed(0, 2)],
    ['no address', changed(1, 'k')],
    ['an unknown address', changed(1, ['x', 'a'])],
    ['an address cut off', changed(1, ['s', 'a', 'b'])],
    ['an address that is too long', changed(1, ['f', 'a', 'b'])],
    ['an address of no text', changed(1, ['k', 1])],
    ['a storage without a name', changed(1, ['s', null, null, 'a'])],
    ['a negative size', changed(2, -1)],
    ['a version that is no text', changed(3, 1)],
    ['part 0', changed(4, 0)],
    ['no parts', changed(5, 0)],
    ['half a byte', changed(6, 0.5)],
    ['an end that is text', changed(7, '1')],
    ['an empty newline', changed(8, '')],
  ])('is refused with %s', (_what, fields) => {
    const bytes = new TextEncoder().encode(JSON.stringify(fields) ?? '{');
    expect(() => decodePartitionSpec(bytes)).toThrow(expect.objectContaining({ code: 'DATA_CORRUPT' }));
  });
});
