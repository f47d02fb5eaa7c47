/** Reads what {@link ByteWriter} wrote, and never past the end: whatever the bytes, it answers or throws `DATA_CORRUPT`. */
import { corrupt } from './codec-errors.ts';

const SHORT_TEXT = 12;

export class ByteReader {
  readonly #bytes: Buffer;
  #position: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  byte(): number {
    if (this.#position >= this.#end) throw corrupt('it ends too early');
    return this.#bytes[this.#position++] as number;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw corrupt('a number is too large');
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  /** A count of things that take at least `bytesEach` each: never more than can follow. */
  count(bytesEach = 1): number {
    const count = this.varint();
    if (count * bytesEach > this.remaining) throw corrupt('a count exceeds the data');
    return count;
  }

  double(): number {
    const start = this.#skip(8);
    return this.#bytes.readDoubleLE(start);
  }

  text(): string {
    const header = this.varint();
    const length = Math.floor(header / 2);
    if (header % 2 === 1) {
      const start = this.#skip(length * 2);
      return this.#bytes.toString('utf16le', start, start + length * 2);
    }
    const start = this.#skip(length);
    if (length > SHORT_TEXT) return this.#bytes.toString('latin1', start, start + length);
    let text = '';
    for (let index = start; index < start + length; index++) text += String.fromCharCode(this.#bytes[index] as number);
    return text;
  }

  /** A view on the next bytes. */
  bytes(length: number): Buffer {
    const start = this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  expectEnd(): void {
    if (this.remaining !== 0) throw corrupt('something follows its end');
  }

  #skip(length: number): number {
    if (length > this.remaining) throw corrupt('it ends too early');
    const start = this.#position;
    this.#position += length;
    return start;
  }
}
