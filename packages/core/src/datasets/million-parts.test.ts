/** A job of a million inputs: what is kept for each call, and what a worker reads to find one. */
import { describe, expect, it } from 'vitest';
import { partitionPayload } from '../job/input-payload.ts';
import {
  INPUT_PART_HEADER_BYTES,
  INPUT_PARTITION,
  decodeInputPart,
  encodeInputPart,
  offsetTableRange,
  readOffsets,
} from '../wire/input-part.ts';
import { partitionsOf } from './cuts.ts';
import { decodePartitionSpec, encodePartitionSpec, type PartitionSpec } from './partition-spec.ts';
import type { PlannedObject } from './planned-object.ts';

const MILLION = 1_000_000;
const PART_CALLS = 65_536;

const object: PlannedObject = {
  address: { kind: 'storage', storage: 's3', bucket: 'measurements', key: '2026/11/24/sensors-north.csv' },
  size: MILLION * 64 * 1024,
  version: '"d41d8cd98f00b204e9800998ecf8427e-1220"',
  seekable: true,
};

describe('a million parts', () => {
  it('have an index of 8 bytes each, of which a worker reads what it needs', () => {
    let indexBytes = 0;
    for (let firstCall = 0; firstCall < MILLION; firstCall += PART_CALLS) {
      const part = { firstCall, calls: Math.min(PART_CALLS, MILLION - firstCall) };
      indexBytes += INPUT_PART_HEADER_BYTES + offsetTableRange(part, firstCall, firstCall + part.calls).length;
    }
    expect(indexBytes).toBeLessThan(8.01 * MILLION);

    // The last of these parts, encoded: its payloads are the longest.
    const firstCall = MILLION - (MILLION % PART_CALLS);
    const payloads = [...partitionsOf([object], { chunkBytes: 64 * 1024, newline: '\n' })]
      .slice(firstCall)
      .map(partitionPayload);
    const part = { firstCall, calls: payloads.length };
    const bytes = encodeInputPart(firstCall, payloads);
    const table = offsetTableRange(part, firstCall, MILLION);
    expect((bytes.length - table.offset - table.length) / payloads.length).toBeLessThan(200);

    const callId = MILLION - 2;
    const piece = offsetTableRange(part, callId, callId + 1);
    expect(piece.length).toBe(16);
    const offsets = readOffsets(part, bytes.subarray(piece.offset, piece.offset + piece.length));
    const payload = bytes.subarray(offsets[0], offsets[1]);
    expect(payload[0]).toBe(INPUT_PARTITION);
    expect(decodePartitionSpec(payload.subarray(1))).toMatchObject({ part: callId + 1, parts: MILLION });
  });

  it('are made one by one, and cover the object without a gap', () => {
    let end = 0;
    for (const spec of partitionsOf([object], { chunks: MILLION, newline: null })) {
      if (spec.start !== end) expect(spec.start).toBe(end);
      end = spec.end ?? Number.NaN;
    }
    expect(end).toBe(object.size);
  });
});

describe('a partition as it travels', () => {
  const rest = { size: 10, version: 'v', part: 1, parts: 2, start: 0, end: 5, newline: '\r\n' };
  it.each<PartitionSpec>([
    { ...rest, address: { kind: 'key', key: 'data/ä😀.csv' } },
    { ...rest, address: { kind: 'key', key: 'jobs/x', file: '/home/me/a.csv' } },
    { ...rest, address: { kind: 'storage', storage: 's3', bucket: 'b', key: 'k' } },
    { ...rest, address: { kind: 'storage', storage: 'redis', bucket: undefined, key: 'k' } },
    { ...rest, address: { kind: 'file', path: '/a b' } },
    {
      address: { kind: 'url', url: 'https://example.org/a' },
      size: undefined,
      version: undefined,
      part: 1,
      parts: 1,
      start: 0,
      end: undefined,
      newline: null,
    },
  ])('is the same when it arrives: $address', (spec) => {
    expect(decodePartitionSpec(encodePartitionSpec(spec))).toEqual(spec);
  });

  it.each(['', '{}', '[2]', '[1,["k","a"],1,"v",0,1,0,1,null]', '[1,["z","a"],1,"v",1,1,0,1,null]'])(
    'is refused when it is damaged: %j',
    (text) => {
      expect(() => decodePartitionSpec(new TextEncoder().encode(text))).toThrow(
        expect.objectContaining({ code: 'DATA_CORRUPT' }),
      );
    },
  );

  it('lies in a part beside others', () => {
    const spec: PartitionSpec = { ...rest, address: { kind: 'key', key: 'k' } };
    const part = decodeInputPart(encodeInputPart(7, [partitionPayload(spec), partitionPayload({ ...spec, part: 2 })]));
    expect(decodePartitionSpec(part.payload(8).subarray(1)).part).toBe(2);
  });
});
