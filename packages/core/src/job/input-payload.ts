/** One call's input as bytes: a kind byte and what it says (see `wire/input-part.ts`). */
import { z } from 'zod';
import { encodePartitionSpec, type PartitionSpec } from '../datasets/partition-spec.ts';
import { encodeGather, type ResultLocation } from '../wire/gather.ts';
import { INPUT_GATHER, INPUT_PARTITION, INPUT_PENDING, INPUT_VALUE } from '../wire/input-part.ts';
import type { ResultSourceRef } from './result-source.ts';

const refSchema = z.strictObject({
  executorId: z.string(),
  jobNumber: z.int(),
  callId: z.int().exactOptional(),
  callIds: z.array(z.int()).readonly().exactOptional(),
  last: z.literal(true).exactOptional(),
});

function withKind(kind: number, content: Uint8Array): Uint8Array {
  const payload = new Uint8Array(content.length + 1);
  payload[0] = kind;
  payload.set(content, 1);
  return payload;
}

export const valuePayload = (encoded: Uint8Array): Uint8Array => withKind(INPUT_VALUE, encoded);

export const gatherPayload = (single: boolean, results: readonly ResultLocation[]): Uint8Array =>
  withKind(INPUT_GATHER, encodeGather({ single, results }));

export const pendingPayload = (ref: ResultSourceRef): Uint8Array =>
  withKind(INPUT_PENDING, new TextEncoder().encode(JSON.stringify(ref)));

export const partitionPayload = (spec: PartitionSpec): Uint8Array =>
  withKind(INPUT_PARTITION, encodePartitionSpec(spec));

/** The reference in a pending payload, or `undefined` if the payload is complete. */
export function pendingRef(payload: Uint8Array): ResultSourceRef | undefined {
  if (payload[0] !== INPUT_PENDING) return undefined;
  return refSchema.parse(JSON.parse(new TextDecoder().decode(payload.subarray(1))));
}
