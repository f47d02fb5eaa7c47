/**
 * Atomic writes: the bytes go to a temporary file, which then takes the object's name in one step of the file system,
 * `rename` to replace or `link` to create; `link` fails when the name is taken, so that of many racing writers, also in
 * different processes, exactly one creates the object.
 */
import { dirname } from 'node:path';
import { mkdir, unlink } from 'node:fs';
import { promisify } from 'node:util';
import { StorageError, bodyChunks, type StorageBody } from '@splitrock/core/plugin';
import { errnoOf } from './file-errors.ts';
import {
  closeFile,
  closeWritten,
  createFile,
  linkFile,
  makeFolders,
  moveFile,
  openFile,
  syncFile,
  unlinkFile,
  writeFully,
  writeWhole,
  type Patience,
} from './file-io.ts';
import type { TemporaryFiles } from './temporary-files.ts';

const remove = promisify(unlink);
const makeFolder = promisify(mkdir);

/** A folder that deletes keep pruning is made again this often before the put gives up. */
const MAX_FOLDER_ATTEMPTS = 50;

export interface WriteRequest {
  /** Where the object is to be. */
  readonly path: string;
  readonly body: StorageBody;
  readonly ifAbsent: boolean;
  readonly signal: AbortSignal | undefined;
}

export class ObjectWriter {
  readonly #temporary: TemporaryFiles;
  readonly #durable: boolean;
  readonly #patience: Patience;

  constructor(temporary: TemporaryFiles, durable: boolean, patience: Patience) {
    this.#temporary = temporary;
    this.#durable = durable;
    this.#patience = patience;
  }

  /** Returns whether the object was written; false only with `ifAbsent`. */
  async write(request: WriteRequest): Promise<boolean> {
    const temporary = this.#temporary.nextPath();
    const fd = await this.#open(temporary);
    try {
      await this.#fill(fd, request);
      request.signal?.throwIfAborted();
      return await this.#place(temporary, request);
    } catch (error) {
      await remove(temporary).catch(() => undefined);
      throw error;
    }
  }

  async #open(temporary: string): Promise<number> {
    try {
      return await createFile(temporary, this.#patience);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await makeFolder(this.#temporary.folder, { recursive: true, mode: 0o700 });
      return createFile(temporary, this.#patience);
    }
  }

  async #fill(fd: number, { body, signal }: WriteRequest): Promise<void> {
    try {
      if (body instanceof Uint8Array) await writeWhole(fd, body, this.#patience);
      else for await (const chunk of bodyChunks(body, signal)) await writeFully(fd, chunk);
      if (this.#durable) await syncFile(fd);
    } finally {
      await closeWritten(fd, this.#patience);
    }
  }

  async #place(temporary: string, { path, ifAbsent }: WriteRequest): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await (ifAbsent ? linkFile : moveFile)(temporary, path, this.#patience);
        break;
      } catch (error) {
        const errno = errnoOf(error);
        if (ifAbsent && errno === 'EEXIST') {
          await remove(temporary);
          return false;
        }
        if (ifAbsent && (errno === 'EPERM' || errno === 'ENOTSUP')) throw noHardLinks(error);
        if (errno !== 'ENOENT' || attempt === MAX_FOLDER_ATTEMPTS) throw error;
        await makeFolderUnlessPruned(dirname(path), this.#patience);
      }
    }
    if (ifAbsent) await unlinkFile(temporary, this.#patience);
    if (this.#durable) await syncFolder(dirname(path));
    return true;
  }
}

/** Deletes prune empty folders; one that is pruned while it is made is made by the next attempt. */
async function makeFolderUnlessPruned(folder: string, patience: Patience): Promise<void> {
  try {
    await makeFolders(folder, patience);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Makes the new name durable. The folder may have been pruned meanwhile: then so was the object, by someone's delete. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const fd = await openFile(folder, 'r');
    try {
      await syncFile(fd);
    } finally {
      await closeFile(fd);
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

const noHardLinks = (cause: unknown): StorageError =>
  new StorageError(
    'STORAGE_UNAVAILABLE',
    'Local storage cannot create an object only if absent: the file system has no hard links; choose a directory on another one.',
    { cause },
  );
