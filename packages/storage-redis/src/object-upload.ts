/** Writes objects: small ones with one command, large ones chunk by chunk and then into place. */
import { randomBytes } from 'node:crypto';
import { StorageError, bodyChunks, isSplitrockError, type PutOptions, type StorageBody } from '@splitrock/core/plugin';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisKeys } from './redis-keys.ts';

/** Objects up to this size lie in their meta hash: one Redis key and one command for each. */
const INLINE_BYTES = 64 * 1024;
/** Chunks of a killed writer vanish after this; a put that takes longer for one chunk fails. */
const CHUNK_LIFE_MS = 60 * 60 * 1000;
const PARALLEL_CHUNKS = 4;

export interface UploadRequest {
  readonly key: string;
  readonly body: StorageBody;
  readonly options: PutOptions;
  readonly maxObjectBytes: number;
}

export class ObjectUpload {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #chunkBytes: number;
  readonly #request: UploadRequest;
  readonly #version = randomBytes(12).toString('base64url');
  readonly #running = new Set<Promise<void>>();
  /** What sending a chunk failed with; kept, since nobody may be waiting just then. */
  #failure: { readonly error: unknown } | undefined;
  #committing = false;
  #chunks = 0;
  #size = 0;

  constructor(connection: RedisConnection, keys: RedisKeys, chunkBytes: number, request: UploadRequest) {
    this.#connection = connection;
    this.#keys = keys;
    this.#chunkBytes = chunkBytes;
    this.#request = request;
  }

  /** Returns whether the object was written; false only with `ifAbsent`. */
  async run(): Promise<boolean> {
    try {
      const inline = await this.#sendChunks();
      while (this.#running.size > 0) await this.#nextSent();
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#request.options.signal?.throwIfAborted();
      const created = await this.#commit(inline);
      if (!created) await this.#discard();
      return created;
    } catch (error) {
      await Promise.allSettled(this.#running);
      // Once the commit was sent it may have been carried out, whatever was heard of it; only a refusal is certain.
      if (!this.#committing || isSplitrockError(error, 'STORAGE_NO_SPACE')) await this.#discard();
      throw error;
    }
  }

  /** Sends all but small objects as chunks; returns the bytes of a small one. */
  async #sendChunks(): Promise<Uint8Array> {
    let pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of bodyChunks(this.#request.body, this.#request.options.signal)) {
      this.#count(part.length);
      for (let rest = part; rest.length > 0;) {
        const piece = rest.subarray(0, this.#chunkBytes - bytes);
        rest = rest.subarray(piece.length);
        pieces.push(piece);
        bytes += piece.length;
        if (bytes < this.#chunkBytes) continue;
        await this.#send(pieces);
        pieces = [];
        bytes = 0;
      }
    }
    if (this.#chunks === 0 && bytes <= INLINE_BYTES) return Buffer.concat(pieces);
    if (bytes > 0) await this.#send(pieces);
    return new Uint8Array(0);
  }

  #count(bytes: number): void {
    this.#size += bytes;
    const { key, maxObjectBytes } = this.#request;
    if (this.#size <= maxObjectBytes) return;
    const message = `Redis storage takes no object of this size [key=${key}, maxObjectBytes=${maxObjectBytes}]; split it or raise chunkBytes.`;
    throw new StorageError('STORAGE_OBJECT_TOO_LARGE', message, { details: { key, maxObjectBytes } });
  }

  /** Begins to send a chunk, once few enough are under way. */
  async #send(pieces: readonly Uint8Array[]): Promise<void> {
    const name = this.#keys.chunk(this.#version, this.#chunks++);
    // A copy: the source may reuse its arrays, and the caller's is free once an abort has settled the put.
    const bytes = Buffer.concat(pieces);
    const send = this.#connection
      .run(
        `write ${this.#request.key}`,
        async (client) => void (await client.set(name, bytes, 'PX', CHUNK_LIFE_MS)),
        this.#request.options.signal,
      )
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => this.#running.delete(send));
    this.#running.add(send);
    if (this.#running.size >= PARALLEL_CHUNKS) await this.#nextSent();
  }

  async #nextSent(): Promise<void> {
    await Promise.race(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #commit(inline: Uint8Array): Promise<boolean> {
    const { key, options } = this.#request;
    const { index, rules, dataPrefix, channelPrefix } = this.#keys;
    const names = [this.#keys.meta(key), index, rules];
    const object = [key, this.#version, this.#size, this.#chunks, this.#chunkBytes, inline];
    const ifAbsent = options.ifAbsent === true ? '1' : '0';
    this.#committing = true;
    const outcome = await this.#connection.run(
      `write ${key}`,
      (client) => client.splitrockPut(...names, ...object, ifAbsent, dataPrefix, channelPrefix),
      options.signal,
    );
    if (outcome >= 0) return outcome === 1;
    throw new StorageError(
      'STORAGE_UNAVAILABLE',
      `Redis storage lost parts of an object while it was written [key=${key}]; if it happens again, check that the server's maxmemory-policy is noeviction.`,
      { retryable: true, details: { key } },
    );
  }

  /** Removes chunks that are no object's. Best effort: they expire by themselves. */
  async #discard(): Promise<void> {
    if (this.#chunks === 0) return;
    const names = Array.from({ length: this.#chunks }, (_, number) => this.#keys.chunk(this.#version, number));
    await this.#connection.attempt((client) => client.unlink(names));
  }
}
