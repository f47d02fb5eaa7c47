/** An object of a data set as bytes that can be read. */

export interface ByteSource {
  /**
   * The bytes from `start` to `end` (exclusive; `undefined`: to the end of an object whose size is not known), exactly, of
   * the object that was planned. `end` is more than `start` but for an empty object, of which nothing comes if it still is
   * empty.
   * @throws DataSetError `DATASET_CHANGED`, `DATASET_UNREADABLE`; what the storage throws.
   */
  read(start: number, end: number | undefined, signal: AbortSignal | undefined): AsyncIterable<Uint8Array>;
}

/** All chunks of a stream as one array. */
export async function gatherBytes(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
