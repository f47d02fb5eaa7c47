/**
 * A storage that counts what is asked of another one, and lets a test step in: before an operation (throw, wait) or
 * after it was done (throw: the answer is lost, the effect stays).
 */
import {
  isWatchableStorage,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type OperationOptions,
  type PutOptions,
  type PutResult,
  type Storage,
  type StorageBody,
  type StorageLimits,
  type StorageWatch,
} from '@splitrock/core/plugin';

export type StorageOperation = 'put' | 'get' | 'getStream' | 'head' | 'delete' | 'deleteMany' | 'list' | 'watch';

/** Steps in; `key` is the prefix for `list` and `watch`, empty for `deleteMany`. */
export type StorageHook = (operation: StorageOperation, key: string) => void | Promise<void>;

export interface InterceptedStorageOptions {
  readonly before?: StorageHook;
  readonly after?: StorageHook;
  /** Hides the capability to be watched. @defaultValue false */
  readonly hideWatch?: boolean;
}

export class InterceptedStorage implements Storage {
  readonly name: string;
  readonly limits: StorageLimits;
  /** Present if the storage behind can be watched and that is not hidden. */
  watch?: (prefix: string, onChange: () => void, options?: OperationOptions) => Promise<StorageWatch>;
  /** Steps in before every operation; may be replaced at any time. */
  before: StorageHook;
  /** Steps in after every operation that succeeded; may be replaced at any time. */
  after: StorageHook;
  readonly #inner: Storage;
  #counts = new Map<StorageOperation, number>();

  constructor(inner: Storage, options: InterceptedStorageOptions = {}) {
    this.name = inner.name;
    this.limits = inner.limits;
    this.before = options.before ?? (() => undefined);
    this.after = options.after ?? (() => undefined);
    this.#inner = inner;
    if (options.hideWatch !== true && isWatchableStorage(inner)) {
      this.watch = (prefix, onChange, watchOptions) =>
        this.#run('watch', prefix, () => inner.watch(prefix, onChange, watchOptions));
    }
  }

  /** How often an operation was asked for since the last {@link resetCounts}; without one, all operations. */
  count(operation?: StorageOperation): number {
    if (operation !== undefined) return this.#counts.get(operation) ?? 0;
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  resetCounts(): void {
    this.#counts.clear();
  }

  put(key: string, body: StorageBody, options?: PutOptions): Promise<PutResult> {
    return this.#run('put', key, () => this.#inner.put(key, body, options));
  }

  get(key: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#run('get', key, () => this.#inner.get(key, options));
  }

  getStream(key: string, options?: GetOptions): AsyncIterable<Uint8Array> {
    return this.#stream('getStream', key, () => this.#inner.getStream(key, options));
  }

  head(key: string, options?: OperationOptions): Promise<ObjectInfo | undefined> {
    return this.#run('head', key, () => this.#inner.head(key, options));
  }

  delete(key: string, options?: OperationOptions): Promise<void> {
    return this.#run('delete', key, () => this.#inner.delete(key, options));
  }

  deleteMany(keys: Iterable<string> | AsyncIterable<string>, options?: OperationOptions): Promise<void> {
    return this.#run('deleteMany', '', () => this.#inner.deleteMany(keys, options));
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#stream('list', prefix, () => this.#inner.list(prefix, options));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #run<T>(operation: StorageOperation, key: string, perform: () => Promise<T>): Promise<T> {
    this.#counts.set(operation, this.count(operation) + 1);
    await this.before(operation, key);
    const result = await perform();
    await this.after(operation, key);
    return result;
  }

  async *#stream<T>(operation: StorageOperation, key: string, perform: () => AsyncIterable<T>): AsyncGenerator<T> {
    this.#counts.set(operation, this.count(operation) + 1);
    await this.before(operation, key);
    yield* perform();
    await this.after(operation, key);
  }
}
