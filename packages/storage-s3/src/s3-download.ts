/**
 * Reads objects as streams that survive broken connections: what is missing is asked for again, on condition that the
 * object is still the same (`If-Match`).
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { abortable, isSplitrockError, objectChanged, type GetOptions } from '@splitrock/core/plugin';
import type { RequestOptions, S3Connection } from './s3-connection.ts';
import { notFound } from './s3-errors.ts';

/** Breaks of one download without a byte between them, before it counts as failed. */
const MAX_BREAKS = 5;
const BREAK_PAUSE_MS = 100;

/** What a download is about, known after its first answer. */
interface Answer {
  readonly body: Readable;
  readonly etag: string | undefined;
  /** Exclusive: where the last byte wanted ends. */
  readonly end: number;
}

export class S3Download {
  readonly #connection: S3Connection;
  readonly #key: string;
  readonly #s3Key: string;
  readonly #options: GetOptions;

  constructor(connection: S3Connection, key: string, s3Key: string, options: GetOptions) {
    this.#connection = connection;
    this.#key = key;
    this.#s3Key = s3Key;
    this.#options = options;
  }

  async *stream(): AsyncGenerator<Uint8Array, void, void> {
    let position = this.#options.range?.offset ?? 0;
    let answer = await this.#ask(position, undefined);
    for (let breaks = 0; answer !== undefined && position < answer.end;) {
      const { body, etag, end } = answer;
      try {
        for await (const chunk of body as AsyncIterable<Uint8Array>) {
          if (chunk.length === 0) continue;
          position += chunk.length;
          breaks = 0;
          yield chunk;
        }
        if (position >= end) return;
      } catch (error) {
        // Errors of the consumer do not come here: they end the generator through `finally`.
        this.#options.signal?.throwIfAborted();
        if (++breaks > MAX_BREAKS) throw this.#connection.explain(error, this.#request());
      } finally {
        body.destroy();
      }
      if (breaks > 0) await abortable(pause(BREAK_PAUSE_MS * 2 ** breaks), this.#options.signal);
      answer = await this.#ask(position, { etag, end });
    }
  }

  /** All bytes wanted; reads anew when the object is replaced meanwhile, unless one version is wanted. */
  async readAll(): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      try {
        const chunks: Uint8Array[] = [];
        for await (const chunk of this.stream()) chunks.push(chunk);
        return concatenate(chunks);
      } catch (error) {
        const again = attempt <= MAX_BREAKS && this.#options.ifVersion === undefined;
        if (!again || !isSplitrockError(error, 'STORAGE_OBJECT_CHANGED')) throw error;
      }
    }
  }

  /** Asks for the bytes from `position`; `undefined` when there are none. */
  async #ask(position: number, known: Pick<Answer, 'etag' | 'end'> | undefined): Promise<Answer | undefined> {
    const output = await this.#connection.find(this.#request(), (signal) => this.#send(position, known, signal));
    if (output === undefined)
      throw known === undefined ? notFound(this.#key, this.#connection.bucket) : objectChanged('s3', this.#key);
    if (output === 'changed') throw objectChanged('s3', this.#key);
    if (output === 'nothing') return undefined;
    const body = output.Body as Readable;
    return { body, etag: output.ETag, end: known?.end ?? position + (output.ContentLength ?? 0) };
  }

  async #send(
    position: number,
    known: Pick<Answer, 'etag' | 'end'> | undefined,
    abortSignal: AbortSignal,
  ): Promise<GetObjectCommandOutput | 'changed' | 'nothing'> {
    const range = this.#rangeFrom(position, known?.end);
    const etag = known?.etag ?? this.#options.ifVersion;
    const command = new GetObjectCommand({
      Bucket: this.#connection.bucket,
      Key: this.#s3Key,
      ...(range === undefined ? {} : { Range: range }),
      ...(etag === undefined ? {} : { IfMatch: etag }),
    });
    try {
      return await this.#connection.client.send(command, { abortSignal });
    } catch (error) {
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      if (status === 412) return 'changed';
      // The offset is at or past the end: no error in the contract.
      if (status === 416) return known === undefined ? 'nothing' : 'changed';
      throw error;
    }
  }

  #rangeFrom(position: number, end: number | undefined): string | undefined {
    if (end !== undefined) return `bytes=${position}-${end - 1}`;
    const length = this.#options.range?.length;
    if (length === undefined) return position === 0 ? undefined : `bytes=${position}-`;
    return `bytes=${position}-${Math.min(position + length - 1, Number.MAX_SAFE_INTEGER)}`;
  }

  #request(): RequestOptions {
    return { operation: 'read', key: this.#key, signal: this.#options.signal };
  }
}

/** One array of one's own: chunks may be views on the connection's buffers. */
function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
