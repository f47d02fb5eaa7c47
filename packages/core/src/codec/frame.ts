/**
 * The frame of a message: sixteen bytes of header, the body, then aligned segments. The checksum covers all that follows
 * it, so damage is found before anything is interpreted.
 */
import { deserialize, Serializer, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { corrupt, MAX_BODY_BYTES, tooLarge, unreadableVersion } from './codec-errors.ts';
import { CODEC_VERSION, HEADER_BYTES, LAYOUT, MAGIC, SEGMENT_ALIGNMENT } from './format.ts';

const MAGIC_WORD = Buffer.from(MAGIC).readUInt32LE();
const NODE_MAJOR = Number.parseInt(process.versions.node, 10);
/** The oldest payloads that V8 13 and later still read. */
const OLDEST_V8_FORMAT = 13;

/** V8's serialization format in this process: the second byte of whatever it writes. */
export const V8_FORMAT = serialize(null)[1] as number;

const OFFSET = { checksum: 4, version: 8, v8Format: 9, nodeMajor: 10, layout: 11, bodyBytes: 12 } as const;
const EMPTY_HEADER = Buffer.alloc(HEADER_BYTES);

export interface Frame {
  readonly bytes: Buffer;
  readonly layout: number;
  /** Where the body ends and the padding before the first segment begins. */
  readonly bodyEnd: number;
}

export function aligned(offset: number): number {
  return Math.ceil(offset / SEGMENT_ALIGNMENT) * SEGMENT_ALIGNMENT;
}

/**
 * Completes the header of a message whose body is in place.
 *
 * @param v8Format - of the payload inside; 0 when there is none, and then any V8 can read the message.
 */
export function sealFrame(bytes: Buffer, layout: number, v8Format: number, bodyBytes: number): Buffer {
  if (bodyBytes > MAX_BODY_BYTES) throw tooLarge();
  bytes.writeUInt32LE(MAGIC_WORD, 0);
  bytes[OFFSET.version] = CODEC_VERSION;
  bytes[OFFSET.v8Format] = v8Format;
  bytes[OFFSET.nodeMajor] = NODE_MAJOR;
  bytes[OFFSET.layout] = layout;
  bytes.writeUInt32LE(bodyBytes, OFFSET.bodyBytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(OFFSET.version)), OFFSET.checksum);
  return bytes;
}

/** A message that is one v8 payload; V8 writes behind the room for the header, which saves a copy. */
export function rawFrame(value: unknown): Buffer {
  const bytes = writeV8Payload(value, EMPTY_HEADER);
  return sealFrame(bytes, LAYOUT.raw, V8_FORMAT, bytes.length - HEADER_BYTES);
}

/** V8 ran out of stack or of its 2 GiB; the same value can still be written without it. */
export class V8PayloadError extends Error {}

/** @throws V8PayloadError */
export function writeV8Payload(value: unknown, prefix?: Uint8Array): Buffer {
  try {
    const serializer = new Serializer();
    if (prefix !== undefined) serializer.writeRawBytes(prefix);
    serializer.writeHeader();
    serializer.writeValue(value);
    return serializer.releaseBuffer();
  } catch (cause) {
    throw new V8PayloadError('V8 cannot write this value', { cause });
  }
}

/** @throws SerializationError `DATA_VERSION`, `DATA_CORRUPT` */
export function openFrame(input: Uint8Array): Frame {
  const bytes = Buffer.isBuffer(input) ? input : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes.length < HEADER_BYTES) throw corrupt('it is shorter than a header');
  if (bytes.readUInt32LE(0) !== MAGIC_WORD)
    throw unreadableVersion('it does not begin as codec data does', { magic: bytes.toString('hex', 0, 4) });
  const version = bytes[OFFSET.version] as number;
  if (version !== CODEC_VERSION)
    throw unreadableVersion('its codec version is unknown here', { version, known: CODEC_VERSION });
  if (crc32(bytes.subarray(OFFSET.version)) !== bytes.readUInt32LE(OFFSET.checksum))
    throw corrupt('its checksum does not match');
  const v8Format = bytes[OFFSET.v8Format] as number;
  if (v8Format !== 0 && (v8Format < OLDEST_V8_FORMAT || v8Format > V8_FORMAT)) {
    const writer = bytes[OFFSET.nodeMajor] as number;
    throw unreadableVersion('its v8 format is unknown here', { v8Format, known: V8_FORMAT, writtenByNode: writer });
  }
  const bodyEnd = HEADER_BYTES + bytes.readUInt32LE(OFFSET.bodyBytes);
  if (bodyEnd > bytes.length) throw corrupt('it ends too early');
  return { bytes, layout: bytes[OFFSET.layout] as number, bodyEnd };
}

export function readV8Payload(payload: Buffer): unknown {
  if (payload[0] !== 0xff || (payload[1] as number) > V8_FORMAT) throw corrupt('its v8 payload has no header');
  try {
    return deserialize(payload);
  } catch (error) {
    throw corrupt('V8 refuses its payload', error);
  }
}
