/** Storage in Amazon S3 or a store that speaks its protocol. Guarantees and limits are in this package's README. */
import { HeadObjectCommand, ListObjectsV2Command, type _Object } from '@aws-sdk/client-s3';
import {
  InvalidArgumentError,
  StorageLifecycle,
  checkByteRange,
  checkStorageKey,
  compareStorageKeys,
  deleteInBatches,
  type ExpiringStorage,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type OperationOptions,
  type PresigningStorage,
  type PutOptions,
  type PutResult,
  type Storage,
  type StorageBody,
  type StorageDeps,
  type StorageLimits,
} from '@splitrock/core/plugin';
import { escapeKey, unescapeKey } from './key-escape.ts';
import { S3Connection } from './s3-connection.ts';
import { DELETE_BATCH, deleteBatch, deleteOne } from './s3-delete.ts';
import { S3Download } from './s3-download.ts';
import { addExpiryRule } from './s3-lifecycle.ts';
import { presignUrl } from './s3-presign.ts';
import { MAX_KEY_BYTES, MAX_OBJECT_BYTES, MAX_PARTS, type S3StorageOptions } from './s3-storage-options.ts';
import { S3Upload } from './s3-upload.ts';

const LONGEST_LINK_SECONDS = 7 * 24 * 60 * 60;

export class S3Storage implements Storage, PresigningStorage {
  readonly name = 's3';
  readonly limits: StorageLimits;

  protected readonly connection: S3Connection;
  protected readonly lifecycle = new StorageLifecycle('s3');
  protected readonly deps: StorageDeps;
  readonly #options: S3StorageOptions;

  /** Connects when first used. */
  constructor(options: S3StorageOptions, deps: StorageDeps) {
    this.#options = options;
    this.deps = deps;
    this.limits = {
      maxObjectBytes: Math.min(options.partBytes * MAX_PARTS, MAX_OBJECT_BYTES),
      maxKeyBytes: MAX_KEY_BYTES - Buffer.byteLength(options.prefix),
    };
    this.connection = new S3Connection(options, this.lifecycle, deps.logger);
  }

  async put(key: string, body: StorageBody, options: PutOptions = {}): Promise<PutResult> {
    this.#check(key, options.signal);
    const { partBytes, parallelParts, retryForMs } = this.#options;
    const settings = { partBytes, parallelParts, retryForMs, maxObjectBytes: this.limits.maxObjectBytes };
    const request = { key, s3Key: this.toS3Key(key), body, signal: options.signal };
    const upload = new S3Upload(this.connection, settings, request);
    if (options.ifAbsent === true) return { created: await upload.create() };
    await upload.replace();
    return { created: true };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    this.#check(key, options.signal);
    checkByteRange(options.range);
    return new S3Download(this.connection, key, this.toS3Key(key), options).readAll();
  }

  async *getStream(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    this.#check(key, options.signal);
    checkByteRange(options.range);
    for await (const chunk of new S3Download(this.connection, key, this.toS3Key(key), options).stream()) {
      this.lifecycle.check(options.signal);
      yield chunk;
      this.lifecycle.check(options.signal);
    }
  }

  async head(key: string, options: OperationOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check(key, options.signal);
    const command = new HeadObjectCommand({ Bucket: this.connection.bucket, Key: this.toS3Key(key) });
    const head = await this.connection.find({ operation: 'look at', key, signal: options.signal }, (abortSignal) =>
      this.connection.client.send(command, { abortSignal }),
    );
    return head && infoOf(key, { ...head, Size: head.ContentLength });
  }

  async delete(key: string, options: OperationOptions = {}): Promise<void> {
    this.#check(key, options.signal);
    await deleteOne(this.connection, key, this.toS3Key(key), options.signal);
  }

  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options: OperationOptions = {}): Promise<void> {
    this.lifecycle.check(options.signal);
    await deleteInBatches(keys, {
      storage: this.name,
      limits: this.limits,
      batchSize: DELETE_BATCH,
      concurrency: 4,
      signal: options.signal,
      deleteBatch: (batch) => deleteBatch(this.connection, batch, (key) => this.toS3Key(key), options.signal),
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo, void, void> {
    const after = options.startAfter;
    // Some stores list nothing, or everything, when asked to start before the prefix.
    let startAfter = after !== undefined && compareStorageKeys(after, prefix) >= 0 ? this.toS3Key(after) : undefined;
    let continuation: string | undefined;
    do {
      this.lifecycle.check(options.signal);
      const command = new ListObjectsV2Command({
        Bucket: this.connection.bucket,
        Prefix: this.toS3Key(prefix),
        // Keys come URL-encoded: the answer is XML, which cannot hold every character.
        EncodingType: 'url',
        ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
        ...(continuation === undefined ? {} : { ContinuationToken: continuation }),
      });
      const page = await this.connection.run(
        { operation: 'list', key: prefix, signal: options.signal },
        (abortSignal) => this.connection.client.send(command, { abortSignal }),
      );
      for (const object of page.Contents ?? []) {
        yield infoOf(this.#fromS3Key(decodeListed(object.Key ?? '')), object);
        this.lifecycle.check(options.signal);
      }
      startAfter = undefined;
      continuation = page.NextContinuationToken;
    } while (continuation !== undefined);
  }

  /** Links live for whole seconds, from one to a week; times between are rounded up. */
  async presign(
    key: string,
    options: OperationOptions & { readonly method: 'GET' | 'PUT'; readonly expiresInMs: number },
  ): Promise<string> {
    this.#check(key, options.signal);
    const { method, expiresInMs } = options;
    const expiresInSeconds = Math.ceil(expiresInMs / 1000);
    if (!(expiresInSeconds >= 1 && expiresInSeconds <= LONGEST_LINK_SECONDS)) {
      const message = `A link cannot live for this time [expiresInMs=${expiresInMs}]; give up to seven days.`;
      throw new InvalidArgumentError('ARGUMENT_INVALID', message);
    }
    const request = { bucket: this.connection.bucket, key: this.toS3Key(key), method, expiresInSeconds };
    return this.connection.run({ operation: 'sign a link', key, signal: options.signal }, () =>
      presignUrl(this.connection.client, request),
    );
  }

  async close(): Promise<void> {
    if (this.lifecycle.close()) this.connection.close();
  }

  protected toS3Key(key: string): string {
    return this.#options.prefix + escapeKey(key);
  }

  #fromS3Key(s3Key: string): string {
    return unescapeKey(s3Key.slice(this.#options.prefix.length));
  }

  #check(key: string, signal: AbortSignal | undefined): void {
    this.lifecycle.check(signal);
    checkStorageKey(key, this.limits);
  }
}

const infoOf = (
  key: string,
  { Size = 0, LastModified, ETag = '' }: Pick<_Object, 'Size' | 'LastModified' | 'ETag'>,
) => ({
  key,
  size: Size,
  modifiedAtMs: LastModified?.getTime() ?? 0,
  version: ETag,
});

/** Amazon writes a space as `+` and a plus as `%2B`; others write `%20`. */
const decodeListed = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));

/** With the option `lifecycleRules`: a storage whose objects can expire. */
export class ExpiringS3Storage extends S3Storage implements ExpiringStorage {
  /**
   * Objects under the prefix, also ones written later, are removed by the store some time after the first midnight (UTC)
   * that is at least `afterMs` away. The prefix ends with `/`.
   */
  async expire(prefix: string, afterMs: number, options: OperationOptions = {}): Promise<void> {
    this.lifecycle.check(options.signal);
    if (!prefix.endsWith('/')) {
      throw new InvalidArgumentError('ARGUMENT_INVALID', `A prefix that expires must end with / [prefix=${prefix}].`);
    }
    await addExpiryRule(this.connection, this.toS3Key(prefix), this.deps.clock.now() + afterMs, options.signal);
  }
}
