/** Reads the table of binary data back: each range onto an ArrayBuffer of its own, the views onto those. */
import { PLACE } from './binary-table.ts';
import { corrupt, unreadableVersion } from './codec-errors.ts';
import { aligned, type Frame } from './frame.ts';
import { VIEW_CLASSES } from './format.ts';
import { globalClass } from './intrinsics.ts';
import type { ByteReader } from './byte-reader.ts';

export interface BinaryData {
  readonly buffers: readonly ArrayBuffer[];
  readonly views: readonly ArrayBufferView[];
}

export function readBinary(input: ByteReader, frame: Frame): BinaryData {
  const segments = new SegmentReader(frame);
  const buffers: ArrayBuffer[] = [];
  const bufferCount = input.count(2);
  for (let index = 0; index < bufferCount; index++) buffers.push(readBuffer(input, segments));
  segments.expectEnd();
  const views: ArrayBufferView[] = [];
  const viewCount = input.count(4);
  for (let index = 0; index < viewCount; index++) views.push(readView(input, buffers));
  return { buffers, views };
}

function readBuffer(input: ByteReader, segments: SegmentReader): ArrayBuffer {
  const place = input.byte();
  if (place > PLACE.resizableSegment) throw corrupt('binary data lies in no known place');
  const byteLength = input.varint();
  const resizable = place >= PLACE.resizableInline;
  const maxByteLength = resizable ? input.varint() : byteLength;
  if (maxByteLength < byteLength) throw corrupt('a buffer is larger than its limit');
  const inline = place === PLACE.inline || place === PLACE.resizableInline;
  const bytes = inline ? input.bytes(byteLength) : segments.next(byteLength);
  return resizable ? resizableCopy(bytes, maxByteLength) : copy(bytes);
}

/** `slice` allocates without clearing first, which halves the time for large data. */
function copy(bytes: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer) return buffer.slice(byteOffset, byteOffset + byteLength);
  const own = new ArrayBuffer(byteLength);
  new Uint8Array(own).set(bytes);
  return own;
}

type ResizableArrayBuffer = new (byteLength: number, options: { maxByteLength: number }) => ArrayBuffer;

function resizableCopy(bytes: Buffer, maxByteLength: number): ArrayBuffer {
  const buffer = new (ArrayBuffer as unknown as ResizableArrayBuffer)(bytes.byteLength, { maxByteLength });
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

type ViewClass = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView;

function readView(input: ByteReader, buffers: readonly ArrayBuffer[]): ArrayBufferView {
  const className = VIEW_CLASSES[input.byte()];
  const buffer = buffers[input.varint()];
  const byteOffset = input.varint();
  const length = input.varint();
  if (className === undefined || buffer === undefined) throw corrupt('a view is of no known class or on no buffer');
  if (className === 'Buffer') {
    if (byteOffset + length > buffer.byteLength) throw corrupt('a view exceeds its buffer');
    return Buffer.from(buffer, byteOffset, length);
  }
  const known = globalClass(className) as ViewClass | undefined;
  if (known === undefined)
    throw unreadableVersion('it has a typed array that this Node.js lacks', { class: className });
  return new known(buffer, byteOffset, length);
}

/** Hands out the segments, which lie one after the other behind the body. */
class SegmentReader {
  readonly #bytes: Buffer;
  #end: number;

  constructor(frame: Frame) {
    this.#bytes = frame.bytes;
    this.#end = frame.bodyEnd;
  }

  next(byteLength: number): Buffer {
    const start = aligned(this.#end);
    if (start + byteLength > this.#bytes.length) throw corrupt('a segment ends too early');
    this.#end = start + byteLength;
    return this.#bytes.subarray(start, this.#end);
  }

  expectEnd(): void {
    if (this.#end !== this.#bytes.length) throw corrupt('something follows its last segment');
  }
}
