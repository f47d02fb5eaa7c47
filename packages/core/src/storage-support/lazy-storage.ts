/**
 * A storage that is opened by its first operation: a slot imports and connects nothing for calls that get their input and
 * return their result without it, and `executor.storage` is there at once.
 */
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

export class LazyStorage implements Storage {
  readonly name: string;
  readonly #open: () => Promise<Storage>;
  #opening: Promise<Storage> | undefined;
  #opened: Storage | undefined;

  /** @param open - Called by the first operation, and again after it has failed. */
  constructor(name: string, open: () => Promise<Storage>) {
    this.name = name;
    this.#open = open;
  }

  /** The store's own once it is open; before, no narrower than any store's: it refuses by itself what it cannot hold. */
  get limits(): StorageLimits {
    return this.#opened?.limits ?? { maxObjectBytes: Number.MAX_SAFE_INTEGER, maxKeyBytes: 65_536 };
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
    await (await this.#storage()).delete(key, options);
  }

  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options?: OperationOptions): Promise<void> {
    await (await this.#storage()).deleteMany(keys, options);
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    yield* (await this.#storage()).list(prefix, options);
  }

  async close(): Promise<void> {
    await (await this.#opening)?.close();
  }

  #storage(): Promise<Storage> {
    this.#opening ??= this.#open().then(
      (storage) => (this.#opened = storage),
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }
}
