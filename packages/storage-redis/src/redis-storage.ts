/** Storage in Redis. The guarantees and limits are in this package's README, the layout in `redis-scripts.ts`. */
import {
  InvalidArgumentError,
  StorageLifecycle,
  checkByteRange,
  checkStorageKey,
  deleteInBatches,
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
import { ChangeSubscriber } from './change-subscriber.ts';
import { ObjectDownload } from './object-download.ts';
import { ObjectUpload } from './object-upload.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisKeys, lexBounds } from './redis-keys.ts';
import type { RedisStorageOptions } from './redis-storage-options.ts';

const LIST_PAGE = 500;
const DELETE_BATCH = 200;
/** The script that puts an object in place looks at each of its chunks. */
const MAX_CHUNKS = 65_536;

export class RedisStorage implements Storage, WatchableStorage, ExpiringStorage {
  readonly name = 'redis';
  readonly limits: StorageLimits;

  readonly #options: RedisStorageOptions;
  readonly #lifecycle = new StorageLifecycle('redis');
  readonly #keys: RedisKeys;
  readonly #connection: RedisConnection;
  readonly #subscriber: ChangeSubscriber;

  /** Connects when first used. */
  constructor(options: RedisStorageOptions, deps: StorageDeps) {
    this.#options = options;
    this.limits = { maxObjectBytes: options.chunkBytes * MAX_CHUNKS, maxKeyBytes: 1024 };
    this.#keys = new RedisKeys(options.keyPrefix);
    this.#connection = new RedisConnection(options, this.#lifecycle, deps.logger);
    this.#subscriber = new ChangeSubscriber(this.#connection, this.#keys, deps.logger);
  }

  async put(key: string, body: StorageBody, options: PutOptions = {}): Promise<PutResult> {
    this.#check(key, options.signal);
    const { maxObjectBytes } = this.limits;
    const request = { key, body, options, maxObjectBytes };
    const upload = new ObjectUpload(this.#connection, this.#keys, this.#options.chunkBytes, request);
    return { created: await upload.run() };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const bytes = await this.#download(key, options).readAll();
    options.signal?.throwIfAborted();
    return bytes;
  }

  async *getStream(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of this.#download(key, options).stream()) {
      this.#lifecycle.check(options.signal);
      yield piece;
      this.#lifecycle.check(options.signal);
    }
  }

  async head(key: string, options: OperationOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check(key, options.signal);
    const [size, modifiedAtMs, version] = await this.#connection.run(
      `look at ${key}`,
      (client) => client.hmget(this.#keys.meta(key), 'size', 'modifiedAtMs', 'version'),
      options.signal,
    );
    if (size == null || modifiedAtMs == null || version == null) return undefined;
    return { key, size: Number(size), modifiedAtMs: Number(modifiedAtMs), version };
  }

  async delete(key: string, options: OperationOptions = {}): Promise<void> {
    this.#check(key, options.signal);
    await this.#remove([key], options.signal);
  }

  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options: OperationOptions = {}): Promise<void> {
    this.#lifecycle.check(options.signal);
    await deleteInBatches(keys, {
      storage: this.name,
      limits: this.limits,
      batchSize: DELETE_BATCH,
      signal: options.signal,
      deleteBatch: async (batch) => {
        await this.#remove(batch, options.signal);
        return [];
      },
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo, void, void> {
    let startAfter: string | undefined = options.startAfter;
    do {
      this.#lifecycle.check(options.signal);
      const { last, infos } = await this.#listPage(prefix, startAfter, options.signal);
      for (const info of infos) {
        yield info;
        this.#lifecycle.check(options.signal);
      }
      startAfter = last;
    } while (startAfter !== undefined);
  }

  async watch(prefix: string, onChange: () => void, options: OperationOptions = {}): Promise<StorageWatch> {
    this.#lifecycle.check(options.signal);
    return this.#subscriber.watch(prefix, onChange, options.signal);
  }

  /**
   * Objects under the prefix, also ones written later, are removed when the time is over; to the millisecond, by the
   * server. A later call for the same prefix sets a new time. The prefix ends with `/`.
   */
  async expire(prefix: string, afterMs: number, options: OperationOptions = {}): Promise<void> {
    this.#lifecycle.check(options.signal);
    if (!prefix.endsWith('/')) {
      throw new InvalidArgumentError('ARGUMENT_INVALID', `A prefix that expires must end with / [prefix=${prefix}].`);
    }
    const { rules, index, metaPrefix, dataPrefix } = this.#keys;
    const over = await this.#connection.run(
      'expire',
      (client) => client.splitrockAddRule(rules, prefix, Math.ceil(afterMs)),
      options.signal,
    );
    await this.#overPages((startAfter) => {
      const { lowest, highest } = lexBounds(prefix, startAfter);
      return this.#connection.run(
        'expire',
        async (client) =>
          (await client.splitrockExpire(index, rules, lowest, highest, LIST_PAGE, metaPrefix, dataPrefix))[0],
        options.signal,
      );
    });
    for (const ended of over) await this.#endRule(ended, options.signal);
  }

  async close(): Promise<void> {
    if (!this.#lifecycle.close()) return;
    this.#subscriber.close();
    this.#connection.close();
  }

  #check(key: string, signal: AbortSignal | undefined): void {
    this.#lifecycle.check(signal);
    checkStorageKey(key, this.limits);
  }

  #download(key: string, options: GetOptions): ObjectDownload {
    this.#check(key, options.signal);
    checkByteRange(options.range);
    return new ObjectDownload(this.#connection, this.#keys, key, options);
  }

  async #remove(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const { index, metaPrefix, dataPrefix } = this.#keys;
    await this.#connection.run(
      'delete',
      (client) => client.splitrockRemove(index, metaPrefix, dataPrefix, ...keys),
      signal,
    );
  }

  async #listPage(prefix: string, startAfter: string | undefined, signal: AbortSignal | undefined) {
    const { lowest, highest } = lexBounds(prefix, startAfter);
    const [last, facts] = await this.#connection.run(
      'list',
      (client) => client.splitrockList(this.#keys.index, lowest, highest, LIST_PAGE, this.#keys.metaPrefix),
      signal,
    );
    const infos: ObjectInfo[] = [];
    for (let at = 0; at < facts.length; at += 4) {
      const [key, size, modifiedAtMs, version] = facts.slice(at, at + 4) as [string, string, string, string];
      infos.push({ key, size: Number(size), modifiedAtMs: Number(modifiedAtMs), version });
    }
    return { last: last ?? undefined, infos };
  }

  /** Calls `page` with the last key of the page before, until there is none. */
  async #overPages(page: (startAfter: string | undefined) => Promise<string | null>): Promise<void> {
    for (let last = await page(undefined); last !== null; last = await page(last)) this.#lifecycle.check();
  }

  /** Removes the names that a prefix's expired objects left in the index, then the rule. */
  async #endRule(prefix: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#overPages(async (startAfter) => (await this.#listPage(prefix, startAfter, signal)).last ?? null);
    await this.#connection.run('expire', (client) => client.zrem(this.#keys.rules, prefix), signal);
  }
}
