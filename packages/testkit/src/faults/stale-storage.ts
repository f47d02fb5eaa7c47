/** A storage whose reads lag behind, as stores do that are not consistent: what Splitrock must never be run on, tried. */
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
} from '@splitrock/core/plugin';

/** `head`, `get` and `list` miss the objects written since {@link freeze}, until {@link thaw}. Writes go through. */
export class StaleStorage implements Storage {
  readonly name: string;
  readonly limits: StorageLimits;
  readonly #inner: Storage;
  #hidden: Set<string> | undefined;
  #hits = 0;

  constructor(inner: Storage) {
    this.name = inner.name;
    this.limits = inner.limits;
    this.#inner = inner;
  }

  /** Reads that missed an object so far. */
  get hits(): number {
    return this.#hits;
  }

  freeze(): void {
    this.#hidden = new Set();
  }

  thaw(): void {
    this.#hidden = undefined;
  }

  async put(key: string, body: StorageBody, options?: PutOptions): Promise<PutResult> {
    const isNew = this.#hidden !== undefined && (await this.#inner.head(key)) === undefined;
    const result = await this.#inner.put(key, body, options);
    if (isNew) this.#hidden?.add(key);
    return result;
  }

  get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#inner.get(this.#visible(key), options);
  }

  getStream(key: string, options?: GetOptions): AsyncIterable<Uint8Array> {
    return this.#inner.getStream(this.#visible(key), options);
  }

  async head(key: string, options?: OperationOptions): Promise<ObjectInfo | undefined> {
    return this.#misses(key) ? undefined : this.#inner.head(key, options);
  }

  delete(key: string, options?: OperationOptions): Promise<void> {
    return this.#inner.delete(key, options);
  }

  deleteMany(keys: Iterable<string> | AsyncIterable<string>, options?: OperationOptions): Promise<void> {
    return this.#inner.deleteMany(keys, options);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, void> {
    for await (const info of this.#inner.list(prefix, options)) if (!this.#misses(info.key)) yield info;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #misses(key: string): boolean {
    if (this.#hidden?.has(key) !== true) return false;
    this.#hits++;
    return true;
  }

  /** The key, or one that no object has, so that the store itself says that it is missing. */
  #visible(key: string): string {
    return this.#misses(key) ? `${key}\u0000not-there-yet` : key;
  }
}
