/** Cuts a stream of bytes into rows, whatever the chunks it comes in. */

/** Makes what is wanted of a row: the bytes from `from` to `to` of `bytes`, which is the reader's own. */
export type MakeRow<T> = (bytes: Buffer, from: number, to: number) => T;

/**
 * The rows without the newlines that end them, those that end in one chunk at a time: a promise for each row would cost more
 * than the row. What follows the last newline is a row if it is not empty. Holds one chunk, and a row that is longer.
 */
export async function* splitRows<T>(
  chunks: AsyncIterable<Uint8Array>,
  newline: Buffer,
  make: MakeRow<T>,
): AsyncGenerator<T[], void, void> {
  const row = new UnfinishedRow(newline.length - 1);
  const whole = (bytes: Buffer): T => make(bytes, 0, bytes.length);
  // Looking for a number is several times quicker.
  const wanted = newline.length === 1 ? (newline[0] as number) : newline;
  for await (const bytes of chunks) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const rows: T[] = [];
    let from = 0;
    const straddling = row.newlineAcross(chunk, newline);
    if (straddling !== undefined) {
      rows.push(whole(row.finish(straddling)));
      from = straddling.used;
    }
    for (let at = chunk.indexOf(wanted, from); at >= 0; at = chunk.indexOf(wanted, from)) {
      rows.push(row.length === 0 ? make(chunk, from, at) : whole(row.finishWith(chunk.subarray(from, at))));
      from = at + newline.length;
    }
    row.add(chunk.subarray(from));
    if (rows.length > 0) yield rows;
  }
  if (row.length > 0) yield [whole(row.finishWith(Buffer.alloc(0)))];
}

/** Items of batches, one by one. An item that is there costs its consumer no more than an `await`. */
export class Flattened<T> implements AsyncIterableIterator<T, void, void> {
  readonly #batches: AsyncGenerator<readonly T[], void, void>;
  #batch: readonly T[] = [];
  #at = 0;
  /** Set while a batch is on its way; whoever asks meanwhile is served after it, in order. */
  #pulling: Promise<IteratorResult<T, void>> | undefined;

  constructor(batches: AsyncGenerator<readonly T[], void, void>) {
    this.#batches = batches;
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#pulling === undefined && this.#at < this.#batch.length) return Promise.resolve(this.#take());
    const pulling: Promise<IteratorResult<T, void>> = Promise.resolve(this.#pulling)
      .catch(() => undefined)
      .then(() => this.#pull())
      .finally(() => {
        if (this.#pulling === pulling) this.#pulling = undefined;
      });
    this.#pulling = pulling;
    return pulling;
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#batch = [];
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #pull(): Promise<IteratorResult<T, void>> {
    while (this.#at >= this.#batch.length) {
      const next = await this.#batches.next();
      if (next.done === true) return next;
      this.#batch = next.value;
      this.#at = 0;
    }
    return this.#take();
  }

  #take(): IteratorResult<T, void> {
    const value = this.#batch[this.#at] as T;
    this.#at += 1;
    return { done: false, value };
  }
}

/** A newline of which some bytes came before a chunk. */
interface Straddling {
  /** Bytes of the row before the newline. */
  readonly rowLength: number;
  /** Bytes of the newline that are in the chunk. */
  readonly used: number;
}

/** The beginning of a row whose end has not come; in pieces, so that a long one is put together once. */
class UnfinishedRow {
  length = 0;
  readonly #tailLength: number;
  #pieces: Buffer[] = [];
  /** The last bytes, of which a newline may have begun. */
  #tail: Buffer = Buffer.alloc(0);

  constructor(tailLength: number) {
    this.#tailLength = tailLength;
  }

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.length += piece.length;
    if (this.#tailLength === 0) return;
    const tail = piece.length >= this.#tailLength ? piece : Buffer.concat([this.#tail, piece]);
    this.#tail = tail.subarray(Math.max(0, tail.length - this.#tailLength));
  }

  newlineAcross(chunk: Buffer, newline: Buffer): Straddling | undefined {
    if (this.#tail.length === 0) return undefined;
    const joint = Buffer.concat([this.#tail, chunk.subarray(0, newline.length - 1)]);
    const at = joint.indexOf(newline);
    if (at < 0) return undefined;
    return { rowLength: this.length - this.#tail.length + at, used: at + newline.length - this.#tail.length };
  }

  finish({ rowLength }: Straddling): Buffer {
    return this.finishWith(Buffer.alloc(0)).subarray(0, rowLength);
  }

  finishWith(last: Buffer): Buffer {
    const row = this.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#tail = Buffer.alloc(0);
    this.length = 0;
    return row;
  }
}
