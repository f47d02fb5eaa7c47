/**
 * The `Storage` contract: object storage for functions, inputs, results, status segments and users' own objects.
 *
 * A storage is a flat map from key to bytes. `@splitrock/storage-memory` is the reference semantics; the conformance
 * suite in `@splitrock/testkit` is the contract in executable form. Whatever only some stores can do is an optional
 * capability: a small interface below, recognised by its method ({@link isWatchableStorage} and friends).
 */

/** What every I/O method takes last. */
export interface OperationOptions {
  /** Aborts the operation; it then rejects with the signal's reason. What the store had already done stays done. */
  readonly signal?: AbortSignal | undefined;
}

/** A part of an object: `length` bytes from `offset`; without `length`, all from `offset` to the end. */
export interface ByteRange {
  /** First byte, from 0. An offset at or past the end reads zero bytes; it is no error. */
  readonly offset: number;
  /** Bytes wanted, at least 1. Past the end, what there is is returned. */
  readonly length?: number;
}

export interface GetOptions extends OperationOptions {
  readonly range?: ByteRange | undefined;
  /**
   * Reads only this version of the object (an {@link ObjectInfo.version}); if there is another one under the key by now,
   * the read fails with `STORAGE_OBJECT_CHANGED`.
   */
  readonly ifVersion?: string | undefined;
}

/** The bytes of an object, whole or as a stream (a Node `Readable` and a web `ReadableStream` are async iterables). */
export type StorageBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface PutOptions extends OperationOptions {
  /** Creates the object only if the key is free: of many racing writers exactly one gets `created: true`. */
  readonly ifAbsent?: boolean;
}

export interface PutResult {
  /** False only for `ifAbsent` puts that found the key taken; the object there is untouched. */
  readonly created: boolean;
}

export interface ListOptions extends OperationOptions {
  /** Lists only keys after this one, in the order of {@link Storage.list}. */
  readonly startAfter?: string | undefined;
}

export interface ObjectInfo {
  readonly key: string;
  /** Size in bytes. */
  readonly size: number;
  /** When the object was last written, by the store's clock; milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  /**
   * Names the object's content: no other content that the key ever has bears the same name. Opaque; `head` and `list`
   * tell the same. The same bytes written again may have another one.
   */
  readonly version: string;
}

export interface StorageLimits {
  /** Largest object, in bytes. */
  readonly maxObjectBytes: number;
  /** Longest key, in UTF-8 bytes. At least 512 in every storage. */
  readonly maxKeyBytes: number;
}

/**
 * Object storage.
 *
 * - Keys are non-empty well-formed Unicode strings of at most {@link StorageLimits.maxKeyBytes} UTF-8 bytes; any
 *   character is allowed, `/` has no meaning to the store. A key that no store could hold is refused with
 *   `STORAGE_INVALID_KEY` before any I/O.
 * - Writes are atomic: a reader sees the whole old object or the whole new one, never a part, also when the writer is
 *   killed. A failed or aborted put leaves the key as it was.
 * - After a put, delete or list resolved, every later get, head and list sees its effect (read after write).
 * - Safe-to-repeat operations are retried inside the storage; an error that reaches the caller is final or says
 *   `retryable: true`.
 */
export interface Storage {
  /** The plugin's name, for messages: `local`, `s3`. */
  readonly name: string;
  readonly limits: StorageLimits;

  /**
   * Writes an object, replacing what is there unless `ifAbsent`.
   *
   * A byte array is the caller's to reuse once the promise settles. A stream is read to its end with back-pressure;
   * if it fails, nothing is written and the put rejects with the stream's error.
   * @throws StorageError `STORAGE_INVALID_KEY`, `STORAGE_OBJECT_TOO_LARGE`, `STORAGE_NO_SPACE`, `STORAGE_ACCESS_DENIED`,
   * `STORAGE_UNAVAILABLE`.
   */
  put(key: string, body: StorageBody, options?: PutOptions): Promise<PutResult>;

  /**
   * Reads an object or a range of it. The returned array is the caller's own.
   * @throws StorageError `STORAGE_OBJECT_NOT_FOUND`; with `ifVersion` `STORAGE_OBJECT_CHANGED`; also
   * `STORAGE_ACCESS_DENIED`, `STORAGE_UNAVAILABLE`.
   */
  get(key: string, options?: GetOptions): Promise<Uint8Array>;

  /**
   * Reads an object or a range of it as a stream of non-empty chunks. Nothing is read before the first chunk is asked
   * for; a missing object fails the first `next()` as {@link get} would. Leaving the iteration early frees what it holds.
   * An object replaced while it is streamed yields the old bytes or fails with `STORAGE_OBJECT_CHANGED`; never a mixture.
   */
  getStream(key: string, options?: GetOptions): AsyncIterable<Uint8Array>;

  /** Tells of an object without reading it; `undefined` when there is none. */
  head(key: string, options?: OperationOptions): Promise<ObjectInfo | undefined>;

  /** Removes an object. Removing what is not there succeeds (idempotent). */
  delete(key: string, options?: OperationOptions): Promise<void>;

  /** Removes many objects, in whatever batches the store has; idempotent. If some fail, one error names them all. */
  deleteMany(keys: Iterable<string> | AsyncIterable<string>, options?: OperationOptions): Promise<void>;

  /**
   * Lists the objects whose key starts with `prefix` (any text, `''` for all), in ascending order of the keys' UTF-8
   * bytes, each once. Objects that stay throughout are all listed; ones that come or go meanwhile may or may not be.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;

  /** Frees connections and watches. Idempotent; afterwards every method rejects with `ILLEGAL_STATE`. */
  close(): Promise<void>;
}

/** Capability: tells that something below a prefix may have changed, without polling. */
export interface WatchableStorage {
  /**
   * Calls `onChange` soon after an object under `prefix` was created or replaced by anyone. Several changes may be told
   * once; a call may be spurious; none is missed once the promise has resolved. `onChange` never throws into the store.
   * The prefix ends with `/`.
   */
  watch(prefix: string, onChange: () => void, options?: OperationOptions): Promise<StorageWatch>;
}

export interface StorageWatch {
  close(): Promise<void>;
}

/** Capability: links that let whoever holds them read or write one object for a while. */
export interface PresigningStorage {
  presign(
    key: string,
    options: OperationOptions & { readonly method: 'GET' | 'PUT'; readonly expiresInMs: number },
  ): Promise<string>;
}

/** Capability: objects that the store removes by itself. */
export interface ExpiringStorage {
  /**
   * Every object under `prefix`, also one written later but before then, is removed by the store at the earliest `afterMs`
   * from now. The prefix ends with `/`. A later call for the same prefix sets a new time.
   */
  expire(prefix: string, afterMs: number, options?: OperationOptions): Promise<void>;
}

export const isWatchableStorage = (storage: Storage): storage is Storage & WatchableStorage =>
  'watch' in storage && typeof storage.watch === 'function';

export const isPresigningStorage = (storage: Storage): storage is Storage & PresigningStorage =>
  'presign' in storage && typeof storage.presign === 'function';

export const isExpiringStorage = (storage: Storage): storage is Storage & ExpiringStorage =>
  'expire' in storage && typeof storage.expire === 'function';
