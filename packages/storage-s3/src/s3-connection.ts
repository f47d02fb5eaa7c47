/** The SDK's client with our retries, aborts and errors. */
import { HeadBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { abortable, isSplitrockError, type Logger, type StorageLifecycle } from '@splitrock/core/plugin';
import { TimedRetryStrategy } from './retry-strategy.ts';
import { statusOf, toStorageError } from './s3-errors.ts';
import type { S3StorageOptions } from './s3-storage-options.ts';

export interface RequestOptions {
  /** For messages: `write`, `list`. */
  readonly operation: string;
  readonly key?: string;
  readonly signal?: AbortSignal | undefined;
}

export class S3Connection {
  readonly client: S3Client;
  readonly bucket: string;
  readonly #endpoint: string;
  readonly #lifecycle: StorageLifecycle;
  #bucketSeen = false;

  constructor(options: S3StorageOptions, lifecycle: StorageLifecycle, logger: Logger) {
    this.client = new S3Client({ ...clientConfig(options), logger: sdkLogger(logger) });
    this.bucket = options.bucket;
    this.#endpoint = options.endpoint ?? 'AWS';
    this.#lifecycle = lifecycle;
  }

  /**
   * Runs a request, giving it a signal that also aborts when the storage is closed. Rejects with the signal's reason at
   * once when it aborts, else with a storage error.
   */
  async run<T>(request: RequestOptions, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#lifecycle.check(request.signal);
    const signal = AbortSignal.any([this.#lifecycle.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    try {
      const result = await abortable(action(signal), signal);
      this.#bucketSeen = true;
      return result;
    } catch (error) {
      signal.throwIfAborted();
      throw this.explain(error, request);
    }
  }

  /** As {@link run}, but `undefined` when the store answers that there is no such object. */
  async find<T>(request: RequestOptions, action: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.run(request, action);
    } catch (error) {
      if (!isMissing(error)) throw error;
      // A HEAD's answer has no body that tells a missing object from a missing bucket.
      if (!this.#bucketSeen) await this.#checkBucket(request.signal);
      return undefined;
    }
  }

  explain(error: unknown, { operation, key }: RequestOptions): unknown {
    if (isSplitrockError(error)) return error;
    return toStorageError(error, { operation, key, bucket: this.bucket, endpoint: this.#endpoint });
  }

  close(): void {
    this.client.destroy();
  }

  async #checkBucket(signal: AbortSignal | undefined): Promise<void> {
    await this.run({ operation: 'find the bucket', signal }, async (abortSignal) => {
      try {
        await this.client.send(new HeadBucketCommand({ Bucket: this.bucket }), { abortSignal });
      } catch (error) {
        if (statusOf(error) === 404) throw Object.assign(error as Error, { name: 'NoSuchBucket' });
        // Whoever may use objects need not be allowed to look at the bucket.
        if (statusOf(error) !== 403) throw error;
      }
    });
  }
}

const isMissing = (error: unknown): boolean =>
  isSplitrockError(error) && error.details['status'] === 404 && error.details['error'] !== 'NoSuchBucket';

/** The SDK reports requests, with their headers, at its lower levels: those are dropped. */
const sdkLogger = (logger: Logger): NonNullable<S3ClientConfig['logger']> => ({
  trace() {},
  debug() {},
  info() {},
  warn: (...message: unknown[]) => logger.debug('The S3 client warns', { message: message.map(String).join(' ') }),
  error() {},
});

function clientConfig(options: S3StorageOptions): S3ClientConfig {
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken, connectTimeoutMs, responseTimeoutMs } = options;
  const agent = { keepAlive: true, maxSockets: options.maxConnections };
  return {
    region,
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    retryStrategy: new TimedRetryStrategy(options.retryForMs),
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: responseTimeoutMs,
      // Waiting for a connection is no sign of trouble here: many small requests at once are usual.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(endpoint === undefined
      ? {}
      : {
          endpoint,
          // Other stores know neither the SDK's default checksums nor the framing they bring to streams.
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }),
  };
}
