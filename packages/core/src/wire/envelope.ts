/**
 * The envelope of everything structured that Splitrock stores or sends: a JSON header for people and programs, and a
 * body of raw bytes that the header points into.
 *
 *     offset  bytes  content
 *     0       4      "SPLR"
 *     4       1      envelope version, 1
 *     5       1      kind, an ASCII letter: J job descriptor, S status segment, M message
 *     6       2      zero
 *     8       4      length of the header in bytes, little endian
 *     12      …      header, UTF-8 JSON
 *     …       …      body
 */
import { SerializationError } from '../errors/splitrock-error.ts';

const FIXED_BYTES = 12;
const VERSION = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export type EnvelopeKind = 'J' | 'S' | 'M';

export interface Envelope {
  /** Parsed JSON; the reader validates it. */
  readonly header: unknown;
  /** A view on the input. */
  readonly body: Uint8Array;
}

/** Encodes a JSON-able header and the body's pieces, one after the other. */
export function encodeEnvelope(kind: EnvelopeKind, header: unknown, body: readonly Uint8Array[] = []): Uint8Array {
  const json = encoder.encode(JSON.stringify(header));
  let total = FIXED_BYTES + json.length;
  for (const piece of body) total += piece.length;
  const bytes = new Uint8Array(total);
  bytes.set([0x53, 0x50, 0x4c, 0x52, VERSION, kind.charCodeAt(0)]);
  new DataView(bytes.buffer).setUint32(8, json.length, true);
  bytes.set(json, FIXED_BYTES);
  let offset = FIXED_BYTES + json.length;
  for (const piece of body) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

/**
 * Decodes an envelope of the given kind. `what` names it in errors: `job descriptor [key=jobs/…/job]`.
 * @throws SerializationError `DATA_CORRUPT` or `DATA_VERSION`.
 */
export function decodeEnvelope(kind: EnvelopeKind, bytes: Uint8Array, what: string): Envelope {
  const corrupt = (why: string) =>
    new SerializationError(
      'DATA_CORRUPT',
      `${what} is damaged: ${why} [bytes=${bytes.length}]; it must be written again.`,
    );
  if (bytes.length < FIXED_BYTES) throw corrupt('it is shorter than an envelope');
  if (bytes[0] !== 0x53 || bytes[1] !== 0x50 || bytes[2] !== 0x4c || bytes[3] !== 0x52)
    throw corrupt('it does not begin with SPLR');
  if (bytes[4] !== VERSION) {
    throw new SerializationError(
      'DATA_VERSION',
      `${what} has envelope version ${bytes[4]}, this Splitrock reads version ${VERSION}; use the same Splitrock version on both sides.`,
    );
  }
  if (bytes[5] !== kind.charCodeAt(0)) throw corrupt(`its kind is ${String.fromCharCode(bytes[5] ?? 0)}, not ${kind}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(8, true);
  if (FIXED_BYTES + length > bytes.length) throw corrupt('its header is cut off');
  try {
    return {
      header: JSON.parse(decoder.decode(bytes.subarray(FIXED_BYTES, FIXED_BYTES + length))) as unknown,
      body: bytes.subarray(FIXED_BYTES + length),
    };
  } catch (cause) {
    throw new SerializationError(
      'DATA_CORRUPT',
      `${what} is damaged: its header is not JSON; it must be written again.`,
      { cause },
    );
  }
}
