/**
 * Many small byte strings in a few large buffers. An array of a million small `Uint8Array`s takes some 300 MiB whatever is
 * in them; here each costs its bytes and twelve more.
 */
import { grow } from './call-states.ts';

const FIRST_CHUNK_BYTES = 4 * 1024;
const MAX_CHUNK_BYTES = 1024 * 1024;
/** Larger ones are kept as they are: copying them into a chunk would save nothing. */
const MAX_PACKED_BYTES = 64 * 1024;

interface Chunk {
  readonly index: number;
  /** Undefined once nobody needs an entry of it any more. */
  bytes: Uint8Array | undefined;
  used: number;
  entries: number;
}

export class PackedBytes {
  readonly #chunks: Chunk[] = [];
  /** The chunk that still has room. */
  #open: Chunk | undefined;
  #chunk = new Uint32Array(16);
  #offset = new Uint32Array(16);
  #size = new Uint32Array(16);
  #length = 0;
  #totalBytes = 0;

  /** How many entries were added. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of all entries that were added. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Adds an entry and returns its number, from 0. The bytes are copied, unless they are many. */
  add(bytes: Uint8Array): number {
    const chunk = bytes.length > MAX_PACKED_BYTES ? this.#newChunk(bytes) : this.#room(bytes.length);
    const entry = this.#length;
    if (entry === this.#chunk.length) this.#grow(entry * 2);
    this.#chunk[entry] = chunk.index;
    this.#offset[entry] = chunk.used;
    this.#size[entry] = bytes.length;
    if (chunk.bytes !== bytes) chunk.bytes?.set(bytes, chunk.used);
    chunk.used += bytes.length;
    chunk.entries += 1;
    this.#length += 1;
    this.#totalBytes += bytes.length;
    return entry;
  }

  sizeOf(entry: number): number {
    return this.#size[entry] as number;
  }

  /** A view of an entry. @throws RangeError when there is none, or it was let go. */
  get(entry: number): Uint8Array {
    const bytes = this.#chunks[this.#chunk[entry] as number]?.bytes;
    if (entry >= this.#length || bytes === undefined) throw new RangeError(`There is no entry ${entry}.`);
    const offset = this.#offset[entry] as number;
    return bytes.subarray(offset, offset + (this.#size[entry] as number));
  }

  /** Views of the entries from `from` to before `to`. */
  slice(from: number, to: number): Uint8Array[] {
    return Array.from({ length: to - from }, (_, index) => this.get(from + index));
  }

  /** Says that an entry is not needed any more, once for each. Memory is freed when a whole chunk is not. */
  release(entry: number): void {
    const chunk = this.#chunks[this.#chunk[entry] as number] as Chunk;
    chunk.entries -= 1;
    if (chunk.entries === 0 && chunk !== this.#open) chunk.bytes = undefined;
  }

  #room(size: number): Chunk {
    const open = this.#open;
    if (open?.bytes !== undefined && open.used + size <= open.bytes.length) return open;
    if (open?.entries === 0) open.bytes = undefined;
    const doubled = Math.max(FIRST_CHUNK_BYTES, (open?.bytes?.length ?? 0) * 2);
    this.#open = this.#newChunk(new Uint8Array(Math.max(size, Math.min(doubled, MAX_CHUNK_BYTES))));
    return this.#open;
  }

  #newChunk(bytes: Uint8Array): Chunk {
    const chunk = { index: this.#chunks.length, bytes, used: 0, entries: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  #grow(capacity: number): void {
    this.#chunk = grow(this.#chunk, capacity);
    this.#offset = grow(this.#offset, capacity);
    this.#size = grow(this.#size, capacity);
  }
}
