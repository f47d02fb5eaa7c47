/**
 * Frames: how two processes cut a byte stream into messages. A frame is its payload's length (4 bytes, little endian)
 * and the payload.
 */
import { SerializationError } from '@splitrock/core/plugin';

export const FRAME_HEADER_BYTES = 4;

/** Larger frames are taken for damage: nothing that travels between processes of one worker comes near. */
export const DEFAULT_MAX_FRAME_BYTES = 1024 * 1024 * 1024;

/** A frame in one piece, for writers that write synchronously. */
export function encodeFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** Takes chunks as they come, in whatever pieces, and gives whole payloads. */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Below this many buffered bytes no frame can be complete: saves joining chunks of a large frame again and again. */
  #needed = FRAME_HEADER_BYTES;

  constructor(maxFrameBytes = DEFAULT_MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes of a frame that has not come whole; at the end of a stream they mean that it was cut off. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /**
   * Adds a chunk and returns the payloads that are complete with it, as views.
   * @throws SerializationError `DATA_CORRUPT` for a frame above the limit; the stream cannot be read on after that.
   */
  push(chunk: Uint8Array): Buffer[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < this.#needed) return [];
    const data = this.#join();
    const payloads: Buffer[] = [];
    let offset = 0;
    this.#needed = FRAME_HEADER_BYTES;
    while (data.length - offset >= FRAME_HEADER_BYTES) {
      const length = data.readUInt32LE(offset);
      if (length > this.#maxFrameBytes) throw tooLarge(length, this.#maxFrameBytes);
      const end = offset + FRAME_HEADER_BYTES + length;
      if (end > data.length) {
        this.#needed = end - offset;
        break;
      }
      payloads.push(data.subarray(offset + FRAME_HEADER_BYTES, end));
      offset = end;
    }
    this.#buffered = data.length - offset;
    this.#chunks = this.#buffered === 0 ? [] : [data.subarray(offset)];
    return payloads;
  }

  #join(): Buffer {
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    if (only === undefined) return Buffer.concat(this.#chunks, this.#buffered);
    return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  }
}

const tooLarge = (bytes: number, limit: number): SerializationError =>
  new SerializationError(
    'DATA_CORRUPT',
    `A frame between processes is damaged or too large [bytes=${bytes}, limit=${limit}]; the connection is closed.`,
  );
