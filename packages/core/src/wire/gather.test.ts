import { describe, expect, it } from 'vitest';
import { encodeEnvelope } from './envelope.ts';
import { decodeGather, encodeGather } from './gather.ts';

describe('a gather', () => {
  it('comes back as it was', () => {
    const gather = {
      single: false,
      results: [
        { inline: new Uint8Array([1, 2]) },
        { key: 'jobs/a/1/results/3', bytes: 7 },
        { inline: new Uint8Array() },
      ],
    };
    expect(decodeGather(encodeGather(gather))).toEqual(gather);
  });

  it.each([
    ['another version', { v: 2, single: true, results: [] }],
    ['no list', { v: 1, single: true }],
    ['no word of being single', { v: 1, results: [] }],
    ['more than it should', { v: 1, single: true, results: [], more: 1 }],
    ['a negative size', { v: 1, single: true, results: [-1] }],
    ['a size that is no whole number', { v: 1, single: true, results: [1.5] }],
    ['a key without a size', { v: 1, single: true, results: [['key']] }],
    ['a key that is none', { v: 1, single: true, results: [[1, 1]] }],
    ['more bytes than there are', { v: 1, single: true, results: [1] }],
  ])('with %s is damaged', (_what, header) => {
    expect(() => decodeGather(encodeEnvelope('M', header, []))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^DATA_(?:CORRUPT|VERSION)$/) as string }),
    );
  });
});
