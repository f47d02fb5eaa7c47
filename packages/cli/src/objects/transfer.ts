/** Moves bytes between the storage and files or pipes, with progress. */
import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import type { OperationOptions, TransferCallbacks } from '@splitrock/core/plugin';
import { UsageError } from '../output/error-report.ts';

/** Small files are mostly waited for. Large ones move in several parts each, which are in memory together. */
const PARALLEL_FILES = 4;

/** Told after every chunk. */
export type OnBytes = (bytes: number) => void;

export interface Upload {
  readonly file: string;
  readonly key: string;
  readonly size: number;
}

/**
 * What a `put` of a path writes: one object for a file, one per file for a folder. A key that is missing or ends in `/` takes
 * the file's own name.
 */
export async function planUploads(path: string, key: string | undefined): Promise<readonly Upload[]> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new UsageError(`There is no file or folder ${path}.`);
    throw new UsageError(`${path} cannot be read: ${error.code ?? error.message}.`);
  });
  if (info.isFile())
    return [
      { file: path, key: key === undefined || key.endsWith('/') ? (key ?? '') + lastPart(path) : key, size: info.size },
    ];
  if (key === undefined || !key.endsWith('/'))
    throw new UsageError(`${path} is a folder; give a prefix that ends in /, like data/.`);
  const names = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = names.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  return Promise.all(
    files.map(async (file) => ({
      file,
      key: key + relative(path, file).split(sep).join('/'),
      size: (await stat(file)).size,
    })),
  );
}

const lastPart = (path: string): string => resolve(path).split(sep).at(-1) ?? '';

export async function* counted(chunks: AsyncIterable<Uint8Array>, onBytes: OnBytes): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onBytes(chunk.length);
  }
}

/**
 * Moves each of these between the storage and a file, some at once. The first that fails ends the others.
 * @param move - moves one; tells of it and ends as its options say
 */
export async function moveAll<T>(
  items: readonly T[],
  { onBytes, signal }: { readonly onBytes: OnBytes; readonly signal: AbortSignal },
  move: (item: T, options: OperationOptions & TransferCallbacks) => Promise<unknown>,
): Promise<void> {
  const failed = new AbortController();
  const options = { signal: AbortSignal.any([signal, failed.signal]) };
  const left = items.values();
  const work = async (): Promise<void> => {
    for (const item of left) {
      let moved = 0;
      const onProgress = ({ bytes }: { readonly bytes: number }): void => {
        onBytes(bytes - moved);
        moved = bytes;
      };
      await move(item, { ...options, onProgress });
    }
  };
  const workers = Array.from({ length: PARALLEL_FILES }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(workers);
    throw error;
  }
}

/** The file for an object below a folder; refuses keys that would lead out of it. */
export function fileOfKey(folder: string, prefix: string, key: string): string {
  const root = resolve(folder);
  const file = resolve(root, key.slice(prefix.length));
  if (!file.startsWith(root + sep))
    throw new UsageError(`The key ${JSON.stringify(key)} would be written outside of ${root}; get it by itself.`);
  return file;
}
