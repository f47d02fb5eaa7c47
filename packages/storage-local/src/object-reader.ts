/**
 * Reads objects. Files are never changed in place, so that an open file is one whole object, old or new, whatever
 * happens to its name.
 */
import { StorageError, objectChanged, resolveByteRange, type GetOptions } from '@splitrock/core/plugin';
import { closeRead, openToRead, readFully, readWhole, statOpen, versionOf, type Patience } from './file-io.ts';

const CHUNK_BYTES = 256 * 1024;
/** V8 refuses larger arrays. */
const MAX_ARRAY_BYTES = 2 ** 32;

export interface ObjectFile {
  readonly key: string;
  readonly path: string;
}

/** @throws the file system's error, ENOENT when there is no such object. */
export async function readObject(file: ObjectFile, options: GetOptions, patience: Patience): Promise<Uint8Array> {
  const fd = await openToRead(file.path, patience);
  try {
    const { start, end } = wantedBytes(fd, file, options);
    if (end - start > MAX_ARRAY_BYTES) throw tooLargeForMemory(end - start);
    const bytes = new Uint8Array(end - start);
    const filled = await readWhole(fd, bytes, start, patience);
    return filled === bytes.length ? bytes : bytes.subarray(0, filled);
  } finally {
    closeRead(fd);
  }
}

/** Opens the object at the first `next()`; closes it when the iteration ends or is left. */
export async function* streamObject(
  file: ObjectFile,
  options: GetOptions,
  patience: Patience,
): AsyncGenerator<Uint8Array, void, void> {
  const fd = await openToRead(file.path, patience);
  try {
    const { start, end } = wantedBytes(fd, file, options);
    for (let position = start; position < end;) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - position));
      const filled = await readFully(fd, chunk, position);
      if (filled === 0) return;
      position += filled;
      yield chunk.subarray(0, filled);
    }
  } finally {
    closeRead(fd);
  }
}

function wantedBytes(fd: number, { key }: ObjectFile, { range, ifVersion }: GetOptions) {
  const stats = statOpen(fd);
  if (ifVersion !== undefined && versionOf(stats) !== ifVersion) throw objectChanged('local', key);
  return resolveByteRange(range, stats.size);
}

const tooLargeForMemory = (bytes: number): StorageError =>
  new StorageError(
    'STORAGE_OBJECT_TOO_LARGE',
    `Local storage cannot read so much into one array [bytes=${bytes}, max=${MAX_ARRAY_BYTES}]; use getStream or a range.`,
  );
