/** Objects of storages as sources of data sets. */
import type { ObjectInfo, Storage } from '../contracts/storage.ts';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import { bodyChunks } from '../storage-support/abortable.ts';
import type { ByteSource } from './byte-source.ts';
import { objectReplaced, sourceNotFound } from './data-set-errors.ts';
import { isPattern, parseGlob } from './glob.ts';
import type { ObjectAddress, PlannedObject } from './planned-object.ts';

export interface StoragePlace {
  readonly storage: Storage;
  /** The address of a key there. */
  readonly addressOf: (key: string) => ObjectAddress;
  /** As the user wrote it, for messages. */
  readonly shown: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * The objects that a text names: those below a prefix that ends with `/` (or is empty), those that match a pattern, or
 * the one with this key. Objects whose keys end with `/` stand for folders in some tools and are left out.
 * @throws DataSetError `DATASET_NOT_FOUND` when there are none; what the storage throws.
 */
export async function planStorageObjects(place: StoragePlace, text: string): Promise<PlannedObject[]> {
  if (isPattern(text)) {
    const glob = parseGlob(text);
    return listObjects(place, glob.literalPrefix, (key) => glob.matches(key));
  }
  if (text === '' || text.endsWith('/')) return listObjects(place, text, () => true);
  return [await planStorageObject(place, text)];
}

/** The one object with this key, whatever characters it has. */
export async function planStorageObject(place: StoragePlace, key: string): Promise<PlannedObject> {
  const info = await place.storage.head(key, { signal: place.signal });
  if (info !== undefined) return plannedOf(place, info);
  throw sourceNotFound(
    'A source of a data set is not there',
    'check it; a prefix ends with /, a file begins with ./ or /, a pattern has * in it',
    { facts: { source: place.shown, storage: place.storage.name } },
  );
}

async function listObjects(
  place: StoragePlace,
  prefix: string,
  wanted: (key: string) => boolean,
): Promise<PlannedObject[]> {
  const found: PlannedObject[] = [];
  for await (const info of place.storage.list(prefix, { signal: place.signal })) {
    if (!info.key.endsWith('/') && wanted(info.key)) found.push(plannedOf(place, info));
  }
  if (found.length > 0) return found;
  throw sourceNotFound('Nothing matches a source of a data set', 'check bucket, prefix and pattern', {
    facts: { source: place.shown, storage: place.storage.name },
  });
}

const plannedOf = ({ addressOf }: StoragePlace, { key, size, version }: ObjectInfo): PlannedObject => ({
  address: addressOf(key),
  size,
  version,
  seekable: true,
});

/** Reads an object of the version that was planned, and no other. */
export class StorageObject implements ByteSource {
  readonly #storage: Storage;
  readonly #key: string;
  readonly #version: string;
  readonly #shown: string;

  constructor(storage: Storage, key: string, version: string, shown: string) {
    this.#storage = storage;
    this.#key = key;
    this.#version = version;
    this.#shown = shown;
  }

  async *read(start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, void> {
    if (end === start) return this.#expectUnchanged(signal);
    const options = { range: { offset: start, length: end - start }, ifVersion: this.#version, signal };
    let bytes = 0;
    try {
      for await (const chunk of bodyChunks(this.#storage.getStream(this.#key, options), signal)) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      const gone =
        isSplitrockError(error, 'STORAGE_OBJECT_CHANGED') || isSplitrockError(error, 'STORAGE_OBJECT_NOT_FOUND');
      throw gone ? objectReplaced(this.#shown, 'it was replaced or deleted', error) : error;
    }
    if (bytes !== end - start) throw objectReplaced(this.#shown, `it gave ${bytes} bytes of ${end - start}`);
  }

  async #expectUnchanged(signal: AbortSignal | undefined): Promise<void> {
    const info = await this.#storage.head(this.#key, { signal });
    if (info?.version !== this.#version) throw objectReplaced(this.#shown, 'it was replaced or deleted');
  }
}
