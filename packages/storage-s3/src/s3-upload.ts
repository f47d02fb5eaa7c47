/**
 * Writes objects: in one request what fits, else in parts, several at once; S3 shows an object when it is complete.
 *
 * `ifAbsent` is S3's `If-None-Match: *`. Many stores ignore it when an object is completed from parts (Ceph 16 does), so
 * that such puts are one request always; a stream of unknown length is first collected in a file for that.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { StorageError, bodyChunks, type StorageBody } from '@splitrock/core/plugin';
import type { S3Connection } from './s3-connection.ts';
import { isTransient, nameOf, statusOf } from './s3-errors.ts';

/** The most that S3 takes in one request. */
const MAX_REQUEST_BYTES = 5 * 1024 ** 3;
/** Names the put that wrote an object, so that a writer whose answer was lost knows its own. */
const PUT_ID = 'splitrock-put';
const RETRY_PAUSE_MS = 500;

export interface S3UploadSettings {
  readonly partBytes: number;
  readonly parallelParts: number;
  readonly maxObjectBytes: number;
  readonly retryForMs: number;
}

export interface S3UploadRequest {
  readonly key: string;
  /** The key in the bucket. */
  readonly s3Key: string;
  readonly body: StorageBody;
  readonly signal: AbortSignal | undefined;
}

export class S3Upload {
  readonly #connection: S3Connection;
  readonly #settings: S3UploadSettings;
  readonly #request: S3UploadRequest;

  constructor(connection: S3Connection, settings: S3UploadSettings, request: S3UploadRequest) {
    this.#connection = connection;
    this.#settings = settings;
    this.#request = request;
  }

  async replace(): Promise<void> {
    const { body } = this.#request;
    if (body instanceof Uint8Array) this.#checkSize(body.length, this.#settings.maxObjectBytes);
    if (body instanceof Uint8Array && body.length <= this.#settings.partBytes) await this.#putOnce(body);
    else await this.#putInParts(body);
  }

  /** Returns whether the object was created. */
  async create(): Promise<boolean> {
    const { body } = this.#request;
    if (!(body instanceof Uint8Array)) return this.#createFromStream(body);
    this.#checkSize(body.length, MAX_REQUEST_BYTES);
    return this.#createOnce(() => body, body.length);
  }

  async #putOnce(body: Uint8Array): Promise<void> {
    const command = new PutObjectCommand({ ...this.#target(), Body: body });
    await this.#run((abortSignal) => this.#connection.client.send(command, { abortSignal }));
  }

  async #putInParts(body: StorageBody): Promise<void> {
    const { partBytes, parallelParts } = this.#settings;
    let sourceError: { readonly error: unknown } | undefined;
    const source = this.#counted(bodyChunks(body, this.#request.signal), (error) => (sourceError ??= { error }));
    try {
      await this.#run(async (signal) => {
        const upload = new Upload({
          client: this.#connection.client,
          params: {
            ...this.#target(),
            Body: body instanceof Uint8Array ? body : Readable.from(source, { objectMode: false }),
          },
          partSize: partBytes,
          queueSize: parallelParts,
        });
        const onAbort = (): void => void upload.abort();
        signal.addEventListener('abort', onAbort, { once: true });
        await upload.done().finally(() => signal.removeEventListener('abort', onAbort));
      });
    } catch (error) {
      // The source's own error is the caller's, as it is.
      throw sourceError === undefined || this.#request.signal?.aborted === true ? error : sourceError.error;
    }
  }

  async *#counted(chunks: AsyncIterable<Uint8Array>, onError: (error: unknown) => void): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    try {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        this.#checkSize(bytes, this.#settings.maxObjectBytes);
        yield chunk;
      }
    } catch (error) {
      onError(error);
      throw error;
    }
  }

  async #createFromStream(body: StorageBody): Promise<boolean> {
    const folder = await mkdtemp(join(tmpdir(), 'splitrock-s3-'));
    try {
      const file = join(folder, 'body');
      const bytes = await this.#collect(body, file);
      return await this.#createOnce(() => createReadStream(file), bytes);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  async #collect(body: StorageBody, file: string): Promise<number> {
    const handle = await open(file, 'wx', 0o600);
    let bytes = 0;
    try {
      for await (const chunk of bodyChunks(body, this.#request.signal)) {
        bytes += chunk.length;
        this.#checkSize(bytes, MAX_REQUEST_BYTES);
        await handle.writeFile(chunk);
      }
      return bytes;
    } finally {
      await handle.close();
    }
  }

  async #createOnce(body: () => Uint8Array | Readable, length: number): Promise<boolean> {
    const id = randomUUID();
    const target = { ...this.#target(), ContentLength: length, IfNoneMatch: '*', Metadata: { [PUT_ID]: id } };
    const taken = await this.#run(async (abortSignal) => {
      const deadlineMs = performance.now() + this.#settings.retryForMs;
      for (;;) {
        try {
          await this.#connection.client.send(new PutObjectCommand({ ...target, Body: body() }), { abortSignal });
          return false;
        } catch (error) {
          if (statusOf(error) === 412) return true;
          // The SDK tries no stream again, but this one can be read again. On a conflict (another put or delete of this
          // key was under way) the next try decides which one was first.
          const again = nameOf(error) === 'ConditionalRequestConflict' || isTransient(error);
          if (!again || performance.now() > deadlineMs) throw error;
          await pause(RETRY_PAUSE_MS, undefined, { signal: abortSignal });
        }
      }
    });
    return !taken || (await this.#isOurs(id));
  }

  /** A request that was sent again finds the object that its first sending created. */
  async #isOurs(id: string): Promise<boolean> {
    const head = await this.#connection.find(
      { operation: 'look at', key: this.#request.key, signal: this.#request.signal },
      (abortSignal) => this.#connection.client.send(new HeadObjectCommand(this.#target()), { abortSignal }),
    );
    return head?.Metadata?.[PUT_ID] === id;
  }

  #target(): { Bucket: string; Key: string } {
    return { Bucket: this.#connection.bucket, Key: this.#request.s3Key };
  }

  #run<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#connection.run({ operation: 'write', key: this.#request.key, signal: this.#request.signal }, action);
  }

  #checkSize(bytes: number, max: number): void {
    if (bytes <= max) return;
    const { key } = this.#request;
    const message = `S3 storage takes no object of this size this way [key=${key}, max=${max}]; raise partBytes or split it.`;
    throw new StorageError('STORAGE_OBJECT_TOO_LARGE', message, { details: { key, max } });
  }
}
