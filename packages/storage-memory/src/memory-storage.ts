/** The reference semantics of the `Storage` contract: short enough to be read as its definition. */
import {
  StorageError,
  StorageLifecycle,
  bodyChunks,
  checkByteRange,
  checkStorageKey,
  compareStorageKeys,
  deleteInBatches,
  objectChanged,
  resolveByteRange,
  type ExpiringStorage,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type OperationOptions,
  type PutOptions,
  type PutResult,
  type Storage,
  type StorageBody,
  type StorageDeps,
  type StorageLimits,
  type StorageWatch,
  type WatchableStorage,
} from '@splitrock/core/plugin';
import { MemoryBucket, type StoredObject, type Watcher } from './memory-bucket.ts';
import type { MemoryStorageOptions } from './memory-storage-options.ts';

const CHUNK_BYTES = 64 * 1024;

export class MemoryStorage implements Storage, WatchableStorage, ExpiringStorage {
  readonly name = 'memory';
  readonly limits: StorageLimits;

  readonly #deps: StorageDeps;
  readonly #lifecycle = new StorageLifecycle('memory');
  readonly #bucket: MemoryBucket;
  readonly #watchers = new Set<Watcher>();

  /** @param bucket holds the objects; give the same to several storages to make them see each other's. */
  constructor(options: MemoryStorageOptions, deps: StorageDeps, bucket: MemoryBucket = new MemoryBucket()) {
    this.limits = { maxObjectBytes: options.maxObjectBytes, maxKeyBytes: 1024 };
    this.#deps = deps;
    this.#bucket = bucket;
  }

  async put(key: string, body: StorageBody, options: PutOptions = {}): Promise<PutResult> {
    this.#check(key, options.signal);
    const bytes = await this.#readBody(key, body, options.signal);
    this.#lifecycle.check(options.signal);
    if (options.ifAbsent === true && this.#bucket.objects.get(key) !== undefined) return { created: false };
    this.#bucket.put(key, { bytes, modifiedAtMs: this.#deps.clock.now() });
    return { created: true };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    this.#check(key, options.signal);
    checkByteRange(options.range);
    const { bytes } = this.#require(key, options.ifVersion);
    const { start, end } = resolveByteRange(options.range, bytes.length);
    return bytes.slice(start, end);
  }

  async *getStream(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    this.#check(key, options.signal);
    checkByteRange(options.range);
    const { bytes } = this.#require(key, options.ifVersion);
    const { start, end } = resolveByteRange(options.range, bytes.length);
    for (let offset = start; offset < end; offset += CHUNK_BYTES) {
      this.#lifecycle.check(options.signal);
      yield bytes.slice(offset, Math.min(offset + CHUNK_BYTES, end));
    }
    this.#lifecycle.check(options.signal);
  }

  async head(key: string, options: OperationOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check(key, options.signal);
    const object = this.#bucket.objects.get(key);
    return object && infoOf(key, object);
  }

  async delete(key: string, options: OperationOptions = {}): Promise<void> {
    this.#check(key, options.signal);
    this.#bucket.objects.delete(key);
  }

  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options: OperationOptions = {}): Promise<void> {
    this.#lifecycle.check(options.signal);
    await deleteInBatches(keys, {
      storage: this.name,
      limits: this.limits,
      batchSize: 1,
      signal: options.signal,
      deleteBatch: async (batch) => {
        for (const key of batch) this.#bucket.objects.delete(key);
        return [];
      },
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo, void, void> {
    this.#lifecycle.check(options.signal);
    const { startAfter } = options;
    const skips = startAfter !== undefined && compareStorageKeys(startAfter, prefix) >= 0;
    const first = skips ? this.#bucket.objects.after(startAfter) : this.#bucket.objects.ceiling(prefix);
    for (const key of this.#bucket.objects.keysFrom(first, prefix)) {
      yield infoOf(key, this.#require(key));
      this.#lifecycle.check(options.signal);
    }
  }

  async watch(prefix: string, onChange: () => void, options: OperationOptions = {}): Promise<StorageWatch> {
    this.#lifecycle.check(options.signal);
    const watcher: Watcher = { prefix, tell: coalesced(() => this.#tell(watcher, onChange)) };
    this.#watchers.add(watcher);
    this.#bucket.watchers.add(watcher);
    return { close: async () => this.#forget(watcher) };
  }

  async expire(prefix: string, afterMs: number, options: OperationOptions = {}): Promise<void> {
    this.#lifecycle.check(options.signal);
    this.#bucket.expire(prefix, afterMs, this.#deps.clock);
  }

  async close(): Promise<void> {
    this.#lifecycle.close();
    for (const watcher of this.#watchers) this.#forget(watcher);
  }

  #check(key: string, signal: AbortSignal | undefined): void {
    this.#lifecycle.check(signal);
    checkStorageKey(key, this.limits);
  }

  #require(key: string, version?: string): StoredObject {
    const object = this.#bucket.objects.get(key);
    if (object !== undefined && version !== undefined && object.version !== version)
      throw objectChanged(this.name, key);
    if (object !== undefined) return object;
    const message = `Memory storage has no such object [key=${key}]; it must be put by this very process.`;
    throw new StorageError('STORAGE_OBJECT_NOT_FOUND', message, { details: { key } });
  }

  /** A copy of the whole body: the caller may reuse its arrays. */
  async #readBody(key: string, body: StorageBody, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of bodyChunks(body, signal)) {
      size += chunk.length;
      if (size > this.limits.maxObjectBytes) throw this.#tooLarge(key);
      chunks.push(chunk.slice());
    }
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : new Uint8Array(Buffer.concat(chunks));
  }

  #tooLarge(key: string): StorageError {
    const max = this.limits.maxObjectBytes;
    const message = `Memory storage takes no object of this size [key=${key}, maxObjectBytes=${max}]; split it.`;
    return new StorageError('STORAGE_OBJECT_TOO_LARGE', message, { details: { key, maxObjectBytes: max } });
  }

  #forget(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    this.#bucket.watchers.delete(watcher);
  }

  #tell(watcher: Watcher, onChange: () => void): void {
    if (!this.#watchers.has(watcher)) return;
    try {
      onChange();
    } catch (error) {
      this.#deps.logger.error('A storage watch listener threw', { error });
    }
  }
}

const infoOf = (key: string, { bytes, modifiedAtMs, version }: StoredObject): ObjectInfo => ({
  key,
  size: bytes.length,
  modifiedAtMs,
  version,
});

/** Runs `action` soon, once for all calls until then; never within the caller's turn. */
function coalesced(action: () => void): () => void {
  let pending = false;
  return () => {
    if (pending) return;
    pending = true;
    setImmediate(() => {
      pending = false;
      action();
    });
  };
}
