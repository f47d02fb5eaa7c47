import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { isSplitrockError, type ByteRange } from '@splitrock/core/plugin';
import { patternBytes, readAll, rejectionOf, sameBytes, codeOf } from './bytes.ts';
import { CASE_MS, type SuiteContext } from './subject.ts';

export function rangeTests(suite: SuiteContext): void {
  describe('ranges', () => {
    const small = patternBytes(1_000);
    let smallKey = '';
    let largeKey = '';
    let emptyKey = '';
    let large = new Uint8Array(0);

    beforeAll(async () => {
      const prefix = suite.freshPrefix();
      [smallKey, largeKey, emptyKey] = [`${prefix}small`, `${prefix}large`, `${prefix}empty`];
      large = patternBytes(suite.options.largeObjectBytes, 9) as Uint8Array<ArrayBuffer>;
      await suite.storage.put(smallKey, small);
      await suite.storage.put(largeKey, large);
      await suite.storage.put(emptyKey, new Uint8Array(0));
    }, CASE_MS);

    const expectRange = async (key: string, whole: Uint8Array, range: ByteRange): Promise<void> => {
      const wanted = whole.subarray(
        range.offset,
        range.length === undefined ? whole.length : range.offset + range.length,
      );
      expect(sameBytes(await suite.storage.get(key, { range }), wanted), JSON.stringify(range)).toBe(true);
      expect(sameBytes(await readAll(suite.storage.getStream(key, { range })), wanted), JSON.stringify(range)).toBe(
        true,
      );
    };

    it.each<[string, ByteRange]>([
      ['the first byte', { offset: 0, length: 1 }],
      ['the last byte', { offset: 999, length: 1 }],
      ['some bytes of the middle', { offset: 300, length: 400 }],
      ['all bytes', { offset: 0, length: 1_000 }],
      ['all bytes, without a length', { offset: 0 }],
      ['the rest, without a length', { offset: 700 }],
      ['more than there is', { offset: 900, length: 1_000 }],
      ['far more than there is', { offset: 0, length: Number.MAX_SAFE_INTEGER }],
      ['nothing: the offset is the end', { offset: 1_000, length: 5 }],
      ['nothing: the offset is the end, without a length', { offset: 1_000 }],
      ['nothing: the offset is far past the end', { offset: 1_000_000_000_000, length: 5 }],
      ['nothing: the offset is as large as can be', { offset: Number.MAX_SAFE_INTEGER }],
    ])('reads %s', async (_name, range) => {
      await expectRange(smallKey, small, range);
    });

    it('reads nothing of an empty object, whatever the range', async () => {
      for (const range of [{ offset: 0 }, { offset: 0, length: 10 }, { offset: 5 }]) {
        await expectRange(emptyKey, new Uint8Array(0), range);
      }
    });

    it('reads any range of a large object', async () => {
      const anyRange = fc.record({
        offset: fc.nat(suite.options.largeObjectBytes + 10),
        length: fc.option(fc.integer({ min: 1, max: suite.options.largeObjectBytes }), { nil: undefined }),
      });
      await fc.assert(
        fc.asyncProperty(anyRange, ({ offset, length }) =>
          expectRange(largeKey, large, length === undefined ? { offset } : { offset, length }),
        ),
        { numRuns: Math.min(15, suite.options.propertyRuns), includeErrorInReport: true },
      );
    });

    it.each<ByteRange>([
      { offset: -1 },
      { offset: 0.5 },
      { offset: Number.NaN },
      { offset: 0, length: 0 },
      { offset: 0, length: -5 },
      { offset: 0, length: 1.5 },
    ])('refuses the range %o', async (range) => {
      expect(isSplitrockError(await rejectionOf(suite.storage.get(smallKey, { range })), 'ARGUMENT_INVALID')).toBe(
        true,
      );
      const streamed = readAll(suite.storage.getStream(smallKey, { range }));
      expect(codeOf(await rejectionOf(streamed))).toBe('ARGUMENT_INVALID');
    });
  });
}
