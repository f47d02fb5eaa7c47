/** A growing buffer with the primitives of the format: little-endian, variable-length integers, two kinds of text. */
import { MAX_BODY_BYTES, tooLarge } from './codec-errors.ts';

const WIDE = /[^\u0000-\u00ff]/;
/** Below this length a loop in JavaScript beats a call into the engine. */
const SHORT_TEXT = 24;

export class ByteWriter {
  #buffer: Buffer;
  #length: number;

  /** @param reserved - bytes to leave free at the start. */
  constructor(capacity = 128, reserved = 0) {
    this.#buffer = Buffer.allocUnsafe(capacity);
    this.#length = reserved;
  }

  get length(): number {
    return this.#length;
  }

  /** What was written: a view, valid until the next write. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53, seven bits per byte, lowest first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** `length * 2 + wide`, then one byte per character, or two where one is above U+00FF. Lone surrogates survive. */
  text(value: string): void {
    if (value.length < SHORT_TEXT && this.#shortText(value)) return;
    const wide = WIDE.test(value);
    this.varint(value.length * 2 + (wide ? 1 : 0));
    this.#reserve(value.length * (wide ? 2 : 1));
    this.#length += this.#buffer.write(value, this.#length, wide ? 'utf16le' : 'latin1');
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.byteLength);
    this.#buffer.set(value, this.#length);
    this.#length += value.byteLength;
  }

  #shortText(value: string): boolean {
    this.#reserve(SHORT_TEXT + 1);
    const start = this.#length;
    const buffer = this.#buffer;
    buffer[start] = value.length * 2;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0xff) return false;
      buffer[start + 1 + index] = code;
    }
    this.#length = start + 1 + value.length;
    return true;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    if (needed > MAX_BODY_BYTES) throw tooLarge();
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
