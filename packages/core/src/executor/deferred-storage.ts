/** A storage that is still being made: each operation waits for it. Lets `executor.storage` be there at once. */
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  OperationOptions,
  PutOptions,
  PutResult,
  Storage,
  StorageBody,
  StorageLimits,
} from '../contracts/storage.ts';

export class DeferredStorage implements Storage {
  readonly name = 'deferred';
  /** No narrower than any store's: the store itself refuses what it cannot hold. */
  readonly limits: StorageLimits = { maxObjectBytes: Number.MAX_SAFE_INTEGER, maxKeyBytes: 65_536 };
  readonly #storage: () => Promise<Storage>;

  /** @param storage - Called at each operation; makes the storage at the first one. */
  constructor(storage: () => Promise<Storage>) {
    this.#storage = storage;
  }

  async put(key: string, body: StorageBody, options?: PutOptions): Promise<PutResult> {
    return (await this.#storage()).put(key, body, options);
  }

  async get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return (await this.#storage()).get(key, options);
  }

  async *getStream(key: string, options?: GetOptions): AsyncIterable<Uint8Array> {
    yield* (await this.#storage()).getStream(key, options);
  }

  async head(key: string, options?: OperationOptions): Promise<ObjectInfo | undefined> {
    return (await this.#storage()).head(key, options);
  }

  async delete(key: string, options?: OperationOptions): Promise<void> {
    return (await this.#storage()).delete(key, options);
  }

  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options?: OperationOptions): Promise<void> {
    return (await this.#storage()).deleteMany(keys, options);
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    yield* (await this.#storage()).list(prefix, options);
  }

  /** The executor closes the storage itself. */
  async close(): Promise<void> {}
}
