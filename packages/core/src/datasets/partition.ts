/** A part of an object of a data set: what a function gets as its item. */
import { IllegalStateError } from '../errors/splitrock-error.ts';
import { gatherBytes, type ByteSource } from './byte-source.ts';
import { objectReplaced } from './data-set-errors.ts';
import type { DataStorages } from './data-storages.ts';
import { LocalFile } from './local-files.ts';
import type { PartitionSpec } from './partition-spec.ts';
import { addressName, type ObjectAddress } from './planned-object.ts';
import { findRowStart } from './row-cuts.ts';
import { Flattened, splitRows, type MakeRow } from './rows.ts';
import { StorageObject } from './storage-objects.ts';
import { UrlObject } from './url-objects.ts';
import type { UrlPatience } from './url-requests.ts';

/** Branding, so that a partition of another copy of the package is recognised too. */
export const PARTITION_SPEC: unique symbol = Symbol.for('splitrock.partitionSpec') as never;

export interface PartitionReaders {
  readonly storages: DataStorages;
  /** Aborts the reading. Asked for when something is read. */
  readonly signal?: () => AbortSignal | undefined;
  readonly urlPatience?: UrlPatience;
}

interface Bytes {
  readonly start: number;
  readonly end: number | undefined;
}

/**
 * A part of an object: its rows that start in {@link range}, or just its bytes where the data set has no `newline`.
 *
 * Nothing is read before it is asked for; each method reads anew, piece by piece. All parts of an object together are the
 * object, and each row is in one of them, whole. Reading fails with `DATASET_CHANGED` if the object is not the one that was
 * planned any more.
 *
 * @example
 * ```ts
 * const counts = await executor.map(async (part: Partition) => {
 *   let errors = 0;
 *   for await (const line of part.lines()) if (line.includes('ERROR')) errors += 1;
 *   return errors;
 * }, objects('s3://logs/2026/*.log', { chunkBytes: 64 * 1024 * 1024 }));
 * ```
 */
export class Partition {
  /** The object's address, as `objects` takes it: `data/a.csv`, `s3://bucket/a.csv`, `/home/me/a.csv`, a URL. */
  readonly name: string;
  /** The object's key in its storage; `undefined` for files and URLs. */
  readonly key: string | undefined;
  /** The URL as it was given, with what credentials it has; `undefined` for other objects. */
  readonly url: string | undefined;
  /** Which part of its object this is, from 1. */
  readonly part: number;
  /** How many parts the object has. */
  readonly parts: number;
  /** The planned bytes, `end` exclusive: rows that start there belong to this part. `undefined`: nobody knows the end. */
  readonly range: { readonly start: number; readonly end: number | undefined };
  /** Bytes of the whole object; `undefined` for a URL whose server does not tell. */
  readonly size: number | undefined;
  declare readonly [PARTITION_SPEC]: PartitionSpec;
  readonly #spec: PartitionSpec;
  readonly #readers: PartitionReaders;
  #source: Promise<ByteSource> | undefined;
  #cut: Promise<Bytes> | undefined;

  /** @internal Made by Splitrock. */
  constructor(spec: PartitionSpec, readers: PartitionReaders) {
    const { address, part, parts, start, end, size } = spec;
    this.name = addressName(address);
    this.key = 'key' in address && !isCopy(address) ? address.key : undefined;
    this.url = address.kind === 'url' ? address.url : undefined;
    this.part = part;
    this.parts = parts;
    this.range = { start, end };
    this.size = size;
    Object.defineProperty(this, PARTITION_SPEC, { value: spec });
    this.#spec = spec;
    this.#readers = readers;
  }

  /** The bytes of this part, in pieces of the reader's choice, newlines included. */
  async *stream(): AsyncGenerator<Uint8Array, void, void> {
    const source = await this.#open();
    const { start, end } = await this.#bytes();
    // Of an empty object the reader is asked all the same: it may not be empty any more.
    if (start === end && this.#spec.size !== 0) return;
    yield* source.read(start, end, this.#readers.signal?.());
  }

  /** All bytes of this part in one array. */
  async bytes(): Promise<Uint8Array> {
    return gatherBytes(this.stream());
  }

  /**
   * All of this part as UTF-8 text. Bytes that are none become U+FFFD, also where a data set without `newline` cuts through
   * a character. A byte order mark at the object's begin is dropped.
   */
  async text(): Promise<string> {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: this.#spec.part > 1 });
    let text = '';
    for await (const chunk of this.stream()) text += decoder.decode(chunk, { stream: true });
    return text + decoder.decode();
  }

  /**
   * The rows as UTF-8 text, without their newlines; where the newline is `\n`, without a `\r` before it as well. Memory holds
   * a piece of the object, and a row that is longer.
   * @throws IllegalStateError, when iterated, where the data set has no `newline`.
   */
  lines(): AsyncIterableIterator<string, void, void> {
    const dropsReturn = this.#spec.newline === '\n';
    let isFirst = this.part === 1;
    return this.#rows((bytes, from, to) => {
      const end = dropsReturn && to > from && bytes[to - 1] === CARRIAGE_RETURN ? to - 1 : to;
      const line = bytes.toString('utf8', from, end);
      if (!isFirst) return line;
      isFirst = false;
      return line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line;
    });
  }

  /**
   * The rows as bytes, exactly, without their newlines. Memory holds a piece of the object, and a row that is longer.
   * @throws IllegalStateError, when iterated, where the data set has no `newline`.
   */
  rows(): AsyncIterableIterator<Buffer, void, void> {
    return this.#rows((bytes, from, to) => bytes.subarray(from, to));
  }

  #rows<T>(make: MakeRow<T>): AsyncIterableIterator<T, void, void> {
    const batches = async function* (this: Partition): AsyncGenerator<T[], void, void> {
      yield* splitRows(this.stream(), this.#newline(), make);
    };
    return new Flattened(batches.call(this));
  }

  #newline(): Buffer {
    const { newline } = this.#spec;
    if (newline !== null) return Buffer.from(newline, 'latin1');
    throw new IllegalStateError(
      'ILLEGAL_STATE',
      `A data set that is cut at any byte has no rows [object=${this.name}]; read its bytes, or give objects() a newline.`,
    );
  }

  #bytes(): Promise<Bytes> {
    if (this.#cut === undefined) {
      this.#cut = this.#findBytes();
      this.#cut.catch(() => (this.#cut = undefined));
    }
    return this.#cut;
  }

  /** The planned bytes, moved to where rows start. */
  async #findBytes(): Promise<Bytes> {
    const { start, end, size, parts, newline } = this.#spec;
    if (parts === 1 || newline === null || end === undefined || size === undefined) return { start, end };
    const source = await this.#open();
    const options = {
      size,
      newline: this.#newline(),
      read: (offset: number, length: number) =>
        gatherBytes(source.read(offset, offset + length, this.#readers.signal?.())),
    };
    const first = await findRowStart(start, end, options);
    if (first === undefined) return { start, end: start };
    return { start: first, end: await findRowStart(end, Infinity, options) };
  }

  #open(): Promise<ByteSource> {
    if (this.#source === undefined) {
      this.#source = this.#openSource();
      this.#source.catch(() => (this.#source = undefined));
    }
    return this.#source;
  }

  async #openSource(): Promise<ByteSource> {
    const { storages, urlPatience } = this.#readers;
    const { address, size, version } = this.#spec;
    if (address.kind === 'url') return new UrlObject(address.url, { size, version }, urlPatience);
    if (version === undefined) throw objectReplaced(this.name, 'the plan names no version');
    if (address.kind === 'file') return new LocalFile(address.path, version);
    return new StorageObject(await storages.storageOf(address), address.key, version, this.name);
  }
}

const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = '\ufeff';

/** Whether it is a copy of a local file, which users know by its path. */
const isCopy = (address: ObjectAddress): boolean => address.kind === 'key' && address.file !== undefined;

export const isPartition = (value: unknown): value is Partition =>
  typeof value === 'object' && value !== null && PARTITION_SPEC in value;
