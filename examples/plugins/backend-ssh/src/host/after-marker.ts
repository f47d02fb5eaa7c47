/** Passes on what comes after a marker, and drops what stands before it: login shells print greetings. */
import { Transform, type TransformCallback } from 'node:stream';

/** Of a greeting; a shell that prints more would print for ever. */
const MAX_BEFORE_BYTES = 64 * 1024;

export class NoMarkerError extends Error {}

export class AfterMarker extends Transform {
  readonly #marker: Buffer;
  #before: Buffer | undefined = Buffer.alloc(0);

  constructor(marker: string) {
    super();
    this.#marker = Buffer.from(marker);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (this.#before === undefined) {
      callback(null, chunk);
      return;
    }
    this.#before = Buffer.concat([this.#before, chunk]);
    const at = this.#before.indexOf(this.#marker);
    if (at < 0) {
      callback(this.#before.length > MAX_BEFORE_BYTES ? new NoMarkerError('no marker came') : null);
      return;
    }
    const rest = this.#before.subarray(at + this.#marker.length);
    this.#before = undefined;
    callback(null, rest);
  }
}
