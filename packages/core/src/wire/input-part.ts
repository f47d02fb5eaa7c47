/**
 * Input parts: the inputs of consecutive calls in one object, each readable by itself with ranged reads.
 *
 *     offset  bytes            content
 *     0       4                "SRIP"
 *     4       1                version, 1
 *     5       3                zero
 *     8       8                first call id, float64 little endian
 *     16      8                number of calls n, float64
 *     24      8 × (n + 1)      offsets of the payloads from the end of this table, float64; the last one is their end
 *     …       …                payloads
 *
 * The first byte of a payload says what follows:
 *
 *     0  a value, encoded by the codec
 *     1  a gather (see `wire/gather.ts`): references to results from which the worker makes the value
 *     2  a pending reference (UTF-8 JSON `{ executorId, jobNumber, callId | callIds | last }`; without either, all
 *        results of the job): the client replaces it by a gather once that call has its result; a worker never sees it
 *     3  a part of an object of a data set (see `datasets/partition-spec.ts`)
 */
import type { CallRange } from '../contracts/calls.ts';
import { SerializationError } from '../errors/splitrock-error.ts';

/** Names a part of a job: its first call id and how many calls it holds. */
export interface InputPart {
  readonly firstCall: number;
  readonly calls: number;
}

export const INPUT_VALUE = 0;
export const INPUT_GATHER = 1;
export const INPUT_PENDING = 2;
export const INPUT_PARTITION = 3;

const MAGIC = 0x50495253; // "SRIP", little endian
const VERSION = 1;
/** Bytes before the offset table. */
export const INPUT_PART_HEADER_BYTES = 24;

/** Encodes the payloads (kind byte included) of the calls from `firstCall`. */
export function encodeInputPart(firstCall: number, payloads: readonly Uint8Array[]): Uint8Array {
  const table = INPUT_PART_HEADER_BYTES + 8 * (payloads.length + 1);
  let total = table;
  for (const payload of payloads) total += payload.length;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, VERSION);
  view.setFloat64(8, firstCall, true);
  view.setFloat64(16, payloads.length, true);
  let offset = 0;
  payloads.forEach((payload, index) => {
    view.setFloat64(INPUT_PART_HEADER_BYTES + 8 * index, offset, true);
    bytes.set(payload, table + offset);
    offset += payload.length;
  });
  view.setFloat64(INPUT_PART_HEADER_BYTES + 8 * payloads.length, offset, true);
  return bytes;
}

/** Where the offsets of calls `from`..`to` are in the part's object: the range to read first. */
export function offsetTableRange(part: InputPart, from: number, to: number): { offset: number; length: number } {
  return { offset: INPUT_PART_HEADER_BYTES + 8 * (from - part.firstCall), length: 8 * (to - from + 1) };
}

/** Reads offsets from the bytes that {@link offsetTableRange} named, as offsets into the part's object. */
export function readOffsets(part: InputPart, table: Uint8Array): Float64Array {
  const base = INPUT_PART_HEADER_BYTES + 8 * (part.calls + 1);
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const offsets = new Float64Array(Math.floor(table.byteLength / 8));
  let last = -1;
  for (let index = 0; index < offsets.length; index += 1) {
    const value = view.getFloat64(8 * index, true);
    if (!Number.isSafeInteger(value) || value < 0 || value < last) throw corruptPart('its offset table is damaged');
    last = value;
    offsets[index] = base + value;
  }
  return offsets;
}

/** A whole part in memory: checked, and its payloads as views. */
export function decodeInputPart(bytes: Uint8Array): { readonly part: InputPart; payload(callId: number): Uint8Array } {
  if (bytes.length < INPUT_PART_HEADER_BYTES + 8) throw corruptPart('it is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw corruptPart('it does not begin with SRIP');
  if (view.getUint8(4) !== VERSION) {
    throw new SerializationError(
      'DATA_VERSION',
      `Input part has version ${view.getUint8(4)}, this Splitrock reads ${VERSION}; use the same Splitrock version on both sides.`,
    );
  }
  const part = { firstCall: view.getFloat64(8, true), calls: view.getFloat64(16, true) };
  if (
    !Number.isSafeInteger(part.firstCall) ||
    !Number.isSafeInteger(part.calls) ||
    part.firstCall < 0 ||
    part.calls < 1
  ) {
    throw corruptPart('its header is damaged');
  }
  const { offset, length } = offsetTableRange(part, part.firstCall, part.firstCall + part.calls);
  if (offset + length > bytes.length) throw corruptPart('its offset table is cut off');
  const offsets = readOffsets(part, bytes.subarray(offset, offset + length));
  if ((offsets.at(-1) as number) !== bytes.length) throw corruptPart('its payloads are cut off');
  return {
    part,
    payload(callId) {
      const index = callId - part.firstCall;
      const start = offsets[index];
      const end = offsets[index + 1];
      if (start === undefined || end === undefined) throw corruptPart(`it does not hold call ${callId}`);
      return bytes.subarray(start, end);
    },
  };
}

/** An encoded part cut down to some of its calls. The bytes themselves when they are all. */
export function cutInputPart(bytes: Uint8Array, calls: CallRange): Uint8Array {
  const whole = decodeInputPart(bytes);
  if (calls.from === whole.part.firstCall && calls.to === whole.part.firstCall + whole.part.calls) return bytes;
  const payloads: Uint8Array[] = [];
  for (let callId = calls.from; callId < calls.to; callId += 1) payloads.push(whole.payload(callId));
  return encodeInputPart(calls.from, payloads);
}

const corruptPart = (why: string): SerializationError =>
  new SerializationError('DATA_CORRUPT', `Input part is damaged: ${why}; the job must be submitted again.`);
