/** Files to storage and back, with progress. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { GetOptions, PutOptions, PutResult, Storage } from '../contracts/storage.ts';
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import { bodyChunks } from '../storage-support/abortable.ts';
import { WriteBehind } from './write-behind.ts';

const CHUNK_BYTES = 256 * 1024;

export interface TransferProgress {
  /** Bytes done so far; never falls. */
  readonly bytes: number;
  /** Bytes in all. */
  readonly totalBytes: number;
}

export interface TransferCallbacks {
  /** Called after each piece, and once at the end. What it throws ends the transfer. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** Stores a file as it is when it is read; a file that shrinks meanwhile fails the upload. Returns its size, too. */
export async function uploadFile(
  storage: Storage,
  file: string,
  key: string,
  options: PutOptions & TransferCallbacks,
): Promise<PutResult & { size: number }> {
  const handle = await openToRead(file);
  try {
    const { size } = await handle.stat();
    const result = await storage.put(key, fileChunks(handle, file, size, options), options);
    options.onProgress?.({ bytes: size, totalBytes: size });
    return { ...result, size };
  } finally {
    await handle.close();
  }
}

async function* fileChunks(
  handle: FileHandle,
  file: string,
  size: number,
  { onProgress }: TransferCallbacks,
): AsyncGenerator<Uint8Array, void, void> {
  for (let position = 0; position < size;) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - position));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) {
      const facts = `[file=${file}, bytes=${position}, expected=${size}]`;
      throw new InvalidArgumentError(
        'ARGUMENT_INVALID',
        `A file became shorter while it was uploaded ${facts}; try again.`,
      );
    }
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
    onProgress?.({ bytes: position, totalBytes: size });
  }
}

/**
 * Writes an object, or a range of it, to a file: to another name first, so that the file is whole or as it was. Makes
 * missing folders. Returns the bytes written.
 */
export async function downloadFile(
  storage: Storage,
  key: string,
  file: string,
  options: GetOptions & TransferCallbacks,
): Promise<number> {
  const totalBytes = await expectedBytes(storage, key, options);
  const target = resolve(file);
  const partial = `${target}.${randomBytes(6).toString('hex')}.part`;
  await mkdir(dirname(target), { recursive: true });
  try {
    const bytes = await writeTo(partial, storage.getStream(key, options), totalBytes, options);
    options.signal?.throwIfAborted();
    await rename(partial, target);
    return bytes;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** For progress only: the object may be replaced before it is read. */
async function expectedBytes(
  storage: Storage,
  key: string,
  { range, signal, onProgress }: GetOptions & TransferCallbacks,
) {
  if (onProgress === undefined) return 0;
  const size = (await storage.head(key, { signal }))?.size ?? 0;
  const rest = Math.max(0, size - (range?.offset ?? 0));
  return Math.min(rest, range?.length ?? rest);
}

async function writeTo(
  file: string,
  source: AsyncIterable<Uint8Array>,
  totalBytes: number,
  { onProgress, signal }: GetOptions & TransferCallbacks,
): Promise<number> {
  let handle: FileHandle | undefined;
  let writer: WriteBehind | undefined;
  let bytes = 0;
  try {
    for await (const chunk of bodyChunks(source, signal)) {
      handle ??= await open(file, 'wx');
      writer ??= new WriteBehind(handle);
      await writer.add(chunk);
      bytes += chunk.length;
      onProgress?.({ bytes, totalBytes: Math.max(totalBytes, bytes) });
    }
    handle ??= await open(file, 'wx');
    await writer?.end();
    onProgress?.({ bytes, totalBytes: bytes });
    return bytes;
  } finally {
    // A write that is under way needs the file until it ends, also when the reading has failed.
    await writer?.end().catch(() => {});
    await handle?.close();
  }
}

async function openToRead(file: string): Promise<FileHandle> {
  try {
    const handle = await open(file, 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `A file to upload cannot be read [file=${file}, reason=${reason}]; check its path and permissions.`;
    throw new InvalidArgumentError('ARGUMENT_INVALID', message, { cause });
  }
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `Only files can be uploaded [file=${file}]; give the path of a file.`,
  );
}
