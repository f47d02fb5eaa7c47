import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from 'node:zlib';
import { arbitraryGraph } from '../../test/codec/arbitrary-graph.ts';
import { graphDifference } from '../../test/codec/graph-difference.ts';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import { decodeValue, encodeValue } from './codec.ts';

describe('any graph', () => {
  it('comes back the same: kinds, prototypes, descriptors, holes, identities', () => {
    fc.assert(
      fc.property(arbitraryGraph, (graph) => {
        expect(graphDifference(decodeValue(encodeValue(graph)), graph)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('comes back the same without v8 payloads', () => {
    fc.assert(
      fc.property(arbitraryGraph, (graph) => {
        const bytes = encodeValue(graph, { portable: true });
        expect(bytes[9]).toBe(0);
        expect(graphDifference(decodeValue(bytes), graph)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('is encoded to the same bytes again after a round trip', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = encodeValue(value, { portable: true });
        expect(encodeValue(decodeValue(bytes), { portable: true })).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe('damaged bytes', () => {
  const sample = fc.tuple(arbitraryGraph, fc.boolean()).map(([graph, portable]) => encodeValue(graph, { portable }));

  it('with any bit turned are refused by name', () => {
    fc.assert(
      fc.property(sample, fc.nat(), (bytes, position) => {
        const damaged = Uint8Array.from(bytes);
        const bit = position % (damaged.length * 8);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(codeOf(damaged)).toMatch(/^DATA_(CORRUPT|VERSION)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cut anywhere are refused by name', () => {
    fc.assert(
      fc.property(sample, fc.nat(), (bytes, position) => {
        expect(codeOf(bytes.subarray(0, position % bytes.length))).toBe('DATA_CORRUPT');
      }),
      { numRuns: 1_000 },
    );
  });

  it('of no known origin are refused by name', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(bytes)).toMatch(/^DATA_(CORRUPT|VERSION)$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('that carry a valid checksum nevertheless never do worse than a named refusal', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(sample, fc.array(change, { minLength: 1, maxLength: 4 }), (bytes, changes) => {
        const damaged = Buffer.from(bytes);
        for (const [position, byte] of changes) damaged[11 + (position % (damaged.length - 11))] = byte;
        damaged.writeUInt32LE(crc32(damaged.subarray(8)), 4);
        expect(codeOf(damaged)).toMatch(/^(DATA_(CORRUPT|VERSION)|decoded)$/);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** The code of the refusal, or `decoded`; anything else that is thrown shows as itself. */
function codeOf(bytes: Uint8Array): string {
  try {
    decodeValue(bytes);
    return 'decoded';
  } catch (error) {
    return isSplitrockError(error) ? error.code : String(error);
  }
}
