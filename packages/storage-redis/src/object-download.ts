/** Reads objects: small ones with one command, large ones in pieces that all belong to one version of the object. */
import { StorageError, objectChanged, type GetOptions } from '@splitrock/core/plugin';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { ScriptedRedis } from './redis-scripts.ts';

/** Bytes of one answer: large enough to be quick, small enough not to keep other clients waiting. */
const PIECE_BYTES = 1024 * 1024;
const PARALLEL_PIECES = 4;
/** Times a get begins anew because the object was replaced under it. */
const MAX_ATTEMPTS = 10;
/** V8 refuses larger arrays. */
const MAX_ARRAY_BYTES = 2 ** 32;

/** What the first command tells. */
interface Beginning {
  readonly version: string;
  readonly chunkBytes: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** The bytes from `start` on, not necessarily all. */
  readonly bytes: Buffer;
}

interface Piece {
  readonly position: number;
  readonly length: number;
}

export class ObjectDownload {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #key: string;
  readonly #options: GetOptions;

  constructor(connection: RedisConnection, keys: RedisKeys, key: string, options: GetOptions) {
    this.#connection = connection;
    this.#keys = keys;
    this.#key = key;
    this.#options = options;
  }

  async readAll(): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      const beginning = await this.#begin();
      const bytes = await this.#readRest(beginning);
      if (bytes !== undefined) return bytes;
      if (attempt === MAX_ATTEMPTS) throw await this.#changed(beginning.version);
    }
  }

  async *stream(): AsyncGenerator<Uint8Array, void, void> {
    const beginning = await this.#begin();
    if (beginning.bytes.length > 0) yield beginning.bytes;
    const { version, start, end, chunkBytes, bytes } = beginning;
    let position = start + bytes.length;
    let next = position < end ? this.#readPiece(version, pieceAt(position, end, chunkBytes), chunkBytes) : undefined;
    while (next !== undefined) {
      const piece = await next;
      if (piece === undefined) throw await this.#changed(version);
      position += piece.length;
      next = position < end ? this.#readPiece(version, pieceAt(position, end, chunkBytes), chunkBytes) : undefined;
      // One piece is read ahead; if the consumer leaves, nobody waits for it.
      next?.catch(() => undefined);
      yield piece;
    }
  }

  async #begin(): Promise<Beginning> {
    const { range, ifVersion } = this.#options;
    const offset = range?.offset ?? 0;
    const length = range?.length ?? -1;
    const answer = await this.#run((client) =>
      client.splitrockReadBuffer(this.#keys.meta(this.#key), offset, length, PIECE_BYTES, this.#keys.dataPrefix),
    );
    if (answer === null) throw this.#notFound();
    const [version, size, chunkBytes, bytes] = answer;
    if (ifVersion !== undefined && version.toString() !== ifVersion) throw objectChanged('redis', this.#key);
    const start = Math.min(offset, Number(size));
    const end = length < 0 ? Number(size) : Math.min(start + length, Number(size));
    return { version: version.toString(), chunkBytes: Number(chunkBytes), start, end, bytes };
  }

  /** All bytes, or `undefined` when the object was replaced meanwhile. */
  async #readRest({ version, chunkBytes, start, end, bytes }: Beginning): Promise<Uint8Array | undefined> {
    if (bytes.length === end - start) return new Uint8Array(bytes);
    if (end - start > MAX_ARRAY_BYTES) throw this.#tooLargeForMemory(end - start);
    const all = new Uint8Array(end - start);
    all.set(bytes);
    const pieces = piecesOf(start + bytes.length, end, chunkBytes);
    let whole = true;
    const readSome = async (): Promise<void> => {
      for (const piece of pieces) {
        const read = await this.#readPiece(version, piece, chunkBytes);
        if (read === undefined) whole = false;
        if (!whole || read === undefined) return;
        all.set(read, piece.position - start);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_PIECES }, readSome));
    return whole ? all : undefined;
  }

  /** The bytes of a piece, or `undefined` when its chunk is gone. */
  async #readPiece(version: string, { position, length }: Piece, chunkBytes: number): Promise<Buffer | undefined> {
    const first = position % chunkBytes;
    const name = this.#keys.chunk(version, Math.floor(position / chunkBytes));
    const bytes = await this.#run((client) => client.getrangeBuffer(name, first, first + length - 1));
    return bytes.length === length ? bytes : undefined;
  }

  #run<T>(action: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    return this.#connection.run(`read ${this.#key}`, action, this.#options.signal);
  }

  #notFound(): StorageError {
    const message = `Redis storage has no such object [key=${this.#key}, server=${this.#connection.server}]; check the key and the option keyPrefix.`;
    return new StorageError('STORAGE_OBJECT_NOT_FOUND', message, { details: { key: this.#key } });
  }

  /** Tells a replaced object from a damaged one: the version is still there, but parts of it are not. */
  async #changed(version: string): Promise<StorageError> {
    const now = await this.#run((client) => client.hget(this.#keys.meta(this.#key), 'version'));
    if (now !== version) return objectChanged('redis', this.#key);
    const message = `Parts of an object are missing in Redis [key=${this.#key}]; set the server's maxmemory-policy to noeviction.`;
    return new StorageError('DATA_CORRUPT', message, { details: { key: this.#key } });
  }

  #tooLargeForMemory(bytes: number): StorageError {
    const message = `Redis storage cannot read so much into one array [key=${this.#key}, bytes=${bytes}]; use getStream or a range.`;
    return new StorageError('STORAGE_OBJECT_TOO_LARGE', message, { details: { key: this.#key } });
  }
}

/** The piece at a position: within one chunk. */
const pieceAt = (position: number, end: number, chunkBytes: number): Piece => ({
  position,
  length: Math.min(PIECE_BYTES, end - position, chunkBytes - (position % chunkBytes)),
});

function* piecesOf(start: number, end: number, chunkBytes: number): Generator<Piece, void, void> {
  for (let position = start; position < end;) {
    const piece = pieceAt(position, end, chunkBytes);
    yield piece;
    position += piece.length;
  }
}
