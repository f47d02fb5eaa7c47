/** A storage in a folder, for tests: the worker and its slot processes see the same objects. Also a plugin module. */
import { mkdirSync } from 'node:fs';
import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  PLUGIN_API_VERSION,
  StorageError,
  defineStorage,
  type GetOptions,
  type ObjectInfo,
  type PutResult,
  type Storage,
  type StorageBody,
} from '@splitrock/core/plugin';
import { z } from 'zod';

export class DirectoryStorage implements Storage {
  readonly name = 'directory';
  readonly limits = { maxObjectBytes: Number.MAX_SAFE_INTEGER, maxKeyBytes: 512 };
  readonly #directory: string;
  #writes = 0;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  async put(key: string, body: StorageBody): Promise<PutResult> {
    const bytes = body instanceof Uint8Array ? body : await collect(body);
    this.#writes += 1;
    const temporary = join(this.#directory, `~${process.pid}-${this.#writes}`);
    await writeFile(temporary, bytes);
    await rename(temporary, this.#path(key));
    return { created: true };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const bytes = await readFile(this.#path(key)).catch(() => {
      throw new StorageError('STORAGE_OBJECT_NOT_FOUND', `No such object [key=${key}].`);
    });
    const { offset = 0, length = Infinity } = options.range ?? {};
    return new Uint8Array(bytes.subarray(offset, offset + length));
  }

  async *getStream(key: string, options?: GetOptions): AsyncIterable<Uint8Array> {
    yield await this.get(key, options);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const found = await stat(this.#path(key)).catch(() => undefined);
    if (found === undefined) return undefined;
    return { key, size: found.size, modifiedAtMs: found.mtimeMs, version: `${found.ino}-${found.mtimeMs}` };
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async deleteMany(keys: Iterable<string> | AsyncIterable<string>): Promise<void> {
    for await (const key of keys) await this.delete(key);
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    for (const name of (await readdir(this.#directory)).toSorted()) {
      const key = decodeURIComponent(name);
      const info = key.startsWith(prefix) ? await this.head(key) : undefined;
      if (info !== undefined) yield info;
    }
  }

  async close(): Promise<void> {}

  #path(key: string): string {
    return join(this.#directory, encodeURIComponent(key));
  }
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const plugin = defineStorage({
  kind: 'storage',
  name: 'directory',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: z.strictObject({ directory: z.string() }),
  createStorage: ({ directory }) => new DirectoryStorage(directory),
});
