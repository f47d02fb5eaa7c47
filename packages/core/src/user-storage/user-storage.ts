/** The storage as users see it: `executor.storage` and a call context's `storage`. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  OperationOptions,
  PutOptions,
  PutResult,
  Storage,
  StorageBody,
} from '../contracts/storage.ts';
import { bodyChunks } from '../storage-support/abortable.ts';
import { makeCloudObject, type CloudObject } from './cloud-object.ts';
import { downloadFile, uploadFile, type TransferCallbacks } from './file-transfer.ts';

export interface UserStorageOptions {
  /**
   * Where {@link UserStorage.cloudObject} stores, ending with `/`. In a call it is the job's own folder, which is removed
   * with the job. @defaultValue `cloud-objects/`, which nothing removes by itself
   */
  readonly objectsPrefix?: string;
}

export interface CloudObjectOptions extends OperationOptions {
  /** Last part of the key; an object that has it already is replaced. @defaultValue a random one */
  readonly name?: string;
}

/** A key, or a reference that {@link UserStorage.cloudObject} made. */
export type ObjectTarget = string | CloudObject;

/**
 * Objects by key, in the storage that the configuration names.
 *
 * Keys are yours to choose. Splitrock keeps its own objects under `jobs/` and `functions/`: reading there is fine, writing
 * or deleting breaks jobs.
 *
 * @example
 * ```ts
 * await executor.storage.upload('cats.csv', 'data/cats.csv');
 * const thumbnails = await executor.map(async (key: string, context) => {
 *   const image = await context.storage.get(key);
 *   return context.storage.cloudObject(await shrink(image)); // a small reference instead of a large result
 * }, keys);
 * for (const thumbnail of thumbnails) await executor.storage.download(thumbnail, `out/${basename(thumbnail.key)}`);
 * ```
 */
export class UserStorage {
  readonly #storage: Storage;
  readonly #objectsPrefix: string;

  constructor(storage: Storage, { objectsPrefix = 'cloud-objects/' }: UserStorageOptions = {}) {
    this.#storage = storage;
    this.#objectsPrefix = objectsPrefix;
  }

  /**
   * Writes an object, whole or not at all; replaces what is there unless `ifAbsent`. A string is stored as UTF-8.
   * @throws StorageError `STORAGE_INVALID_KEY`, `STORAGE_OBJECT_TOO_LARGE`, `STORAGE_NO_SPACE`, `STORAGE_ACCESS_DENIED`,
   * `STORAGE_UNAVAILABLE`.
   */
  async put(target: ObjectTarget, body: StorageBody | string, options?: PutOptions): Promise<PutResult> {
    return this.#storage.put(keyOf(target), toBody(body), options);
  }

  /**
   * Reads an object, or a range of it.
   * @throws StorageError `STORAGE_OBJECT_NOT_FOUND`, `STORAGE_ACCESS_DENIED`, `STORAGE_UNAVAILABLE`.
   */
  async get(target: ObjectTarget, options?: GetOptions): Promise<Uint8Array> {
    return this.#storage.get(keyOf(target), options);
  }

  /** Reads an object as UTF-8 text. Bytes that are none become U+FFFD; a byte order mark is dropped. */
  async getText(target: ObjectTarget, options?: OperationOptions): Promise<string> {
    return new TextDecoder().decode(await this.get(target, options));
  }

  /** Reads an object, or a range of it, piece by piece. Nothing is read before the first piece is asked for. */
  getStream(target: ObjectTarget, options?: GetOptions): AsyncIterable<Uint8Array> {
    return this.#storage.getStream(keyOf(target), options);
  }

  /** Tells of an object without reading it; `undefined` when there is none. */
  async head(target: ObjectTarget, options?: OperationOptions): Promise<ObjectInfo | undefined> {
    return this.#storage.head(keyOf(target), options);
  }

  /** Lists the objects whose keys start with `prefix`, in the order of the keys' UTF-8 bytes. */
  list(prefix = '', options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#storage.list(prefix, options);
  }

  /** Removes an object; removing what is not there succeeds. */
  async delete(target: ObjectTarget, options?: OperationOptions): Promise<void> {
    await this.#storage.delete(keyOf(target), options);
  }

  /** Removes many objects. If some fail, one error names them all. */
  async deleteMany(
    targets: Iterable<ObjectTarget> | AsyncIterable<ObjectTarget>,
    options?: OperationOptions,
  ): Promise<void> {
    await this.#storage.deleteMany(keysOf(targets), options);
  }

  /**
   * Stores a file, piece by piece: its size is no matter of memory.
   * @param target where to; the file's name by default
   */
  async upload(
    file: string,
    target: ObjectTarget = basename(file),
    options: PutOptions & TransferCallbacks = {},
  ): Promise<PutResult & { readonly size: number }> {
    return uploadFile(this.#storage, file, keyOf(target), options);
  }

  /**
   * Writes an object, or a range of it, to a file, piece by piece. The file appears when it is whole; missing folders are
   * made. Returns the bytes written.
   */
  async download(target: ObjectTarget, file: string, options: GetOptions & TransferCallbacks = {}): Promise<number> {
    return downloadFile(this.#storage, keyOf(target), file, options);
  }

  /**
   * Stores something large and returns a small reference to it, for inputs and results. In a call the object belongs to
   * the job and is removed with it; download or copy what must live longer.
   */
  async cloudObject(body: StorageBody | string, options: CloudObjectOptions = {}): Promise<CloudObject> {
    const key = this.#objectsPrefix + (options.name ?? randomUUID());
    const { signal } = options;
    const counted = new CountedBody(toBody(body), signal);
    await this.#storage.put(key, counted.body, { signal });
    return makeCloudObject(key, counted.bytes);
  }
}

/** A body that knows its size once it was read. */
class CountedBody {
  readonly body: StorageBody;
  bytes = 0;

  constructor(body: StorageBody, signal: AbortSignal | undefined) {
    this.body = body instanceof Uint8Array ? body : this.#count(body, signal);
    if (body instanceof Uint8Array) this.bytes = body.length;
  }

  async *#count(body: StorageBody, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of bodyChunks(body, signal)) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}

const keyOf = (target: ObjectTarget): string => (typeof target === 'string' ? target : target.key);

const toBody = (body: StorageBody | string): StorageBody =>
  typeof body === 'string' ? new TextEncoder().encode(body) : body;

async function* keysOf(
  targets: Iterable<ObjectTarget> | AsyncIterable<ObjectTarget>,
): AsyncGenerator<string, void, void> {
  for await (const target of targets) yield keyOf(target);
}
