/** Storage in a folder of this machine. The guarantees and the layout on disk are in this package's README. */
import { rmdir, unlink } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  StorageLifecycle,
  checkByteRange,
  checkStorageKey,
  deleteInBatches,
  type DeleteFailure,
  type GetOptions,
  type ListOptions,
  type ObjectInfo,
  type OperationOptions,
  type PutOptions,
  type PutResult,
  type Storage,
  type StorageBody,
  type StorageDeps,
  type StorageLimits,
  type StorageWatch,
  type WatchableStorage,
} from '@splitrock/core/plugin';
import { errnoOf, notFound, toStorageError } from './file-errors.ts';
import type { Patience } from './file-io.ts';
import { FolderWatch } from './folder-watch.ts';
import { Gate } from './gate.ts';
import { OBJECT_MARK, encodePiece, keyToPath } from './key-paths.ts';
import type { LocalStorageOptions } from './local-storage-options.ts';
import { examineObject, listObjects } from './object-lister.ts';
import { readObject, streamObject } from './object-reader.ts';
import { ObjectWriter } from './object-writer.ts';
import { TemporaryFiles } from './temporary-files.ts';

const removeFile = promisify(unlink);
const removeFolder = promisify(rmdir);

/** Open files of gets and puts at once; a thousand is a usual limit for a process. */
const MAX_OPEN_FILES = 256;
const DELETE_BATCH = 64;

export class LocalStorage implements Storage, WatchableStorage {
  readonly name = 'local';
  readonly limits: StorageLimits = { maxObjectBytes: Number.MAX_SAFE_INTEGER, maxKeyBytes: 1024 };

  readonly #options: LocalStorageOptions;
  readonly #deps: StorageDeps;
  readonly #root: string;
  readonly #patience: Patience;
  readonly #temporary: TemporaryFiles;
  readonly #writer: ObjectWriter;
  readonly #lifecycle = new StorageLifecycle('local');
  readonly #gate = new Gate(MAX_OPEN_FILES);
  readonly #watches = new Set<FolderWatch>();
  #cleaning: Promise<void> | undefined;

  constructor(options: LocalStorageOptions, deps: StorageDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#patience = options.fileSystem === 'local' ? 'quick' : 'patient';
    // The format's version is part of the path, so that another one can stand beside it.
    this.#root = join(options.directory, 'v1', 'objects');
    this.#temporary = new TemporaryFiles(join(options.directory, 'v1', 'temporary'));
    this.#writer = new ObjectWriter(this.#temporary, options.durable, this.#patience);
  }

  async put(key: string, body: StorageBody, options: PutOptions = {}): Promise<PutResult> {
    this.#check(key, options.signal);
    this.#cleaning ??= this.#temporary.removeLeftovers(this.#deps.clock.now());
    const write = (): Promise<boolean> =>
      this.#writer.write({
        path: this.#pathOf(key),
        body,
        ifAbsent: options.ifAbsent ?? false,
        signal: options.signal,
      });
    // Streams may be slow; they hold a file, but not a place that short operations wait for.
    const created = this.#run('write', key, () => (body instanceof Uint8Array ? this.#gate.run(write) : write()));
    return { created: await created };
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    this.#check(key, options.signal);
    checkByteRange(options.range);
    const bytes = await this.#run('read', key, () =>
      this.#gate.run(() => readObject({ key, path: this.#pathOf(key) }, options, this.#patience)),
    );
    options.signal?.throwIfAborted();
    return bytes;
  }

  async *getStream(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    this.#check(key, options.signal);
    checkByteRange(options.range);
    try {
      for await (const chunk of streamObject({ key, path: this.#pathOf(key) }, options, this.#patience)) {
        this.#lifecycle.check(options.signal);
        yield chunk;
        this.#lifecycle.check(options.signal);
      }
    } catch (error) {
      throw this.#explain(error, 'read', key);
    }
  }

  async head(key: string, options: OperationOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check(key, options.signal);
    const info = await this.#run('look at', key, () => examineObject(this.#pathOf(key), key, this.#patience));
    options.signal?.throwIfAborted();
    return info;
  }

  async delete(key: string, options: OperationOptions = {}): Promise<void> {
    this.#check(key, options.signal);
    await this.#run('delete', key, () => this.#remove(key));
  }

  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options: OperationOptions = {}): Promise<void> {
    this.#lifecycle.check(options.signal);
    await deleteInBatches(keys, {
      storage: this.name,
      limits: this.limits,
      batchSize: DELETE_BATCH,
      signal: options.signal,
      deleteBatch: async (batch) => {
        const failures: DeleteFailure[] = [];
        const removeOne = (key: string): Promise<void> =>
          this.#run('delete', key, () => this.#remove(key)).catch(
            (error: unknown) => void failures.push({ key, error }),
          );
        await Promise.all(batch.map(removeOne));
        return failures;
      },
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo, void, void> {
    this.#lifecycle.check(options.signal);
    try {
      const { startAfter } = options;
      for await (const info of listObjects({ root: this.#root, prefix, startAfter, patience: this.#patience })) {
        this.#lifecycle.check(options.signal);
        yield info;
        this.#lifecycle.check(options.signal);
      }
    } catch (error) {
      throw this.#explain(error, 'list', prefix);
    }
  }

  async watch(prefix: string, onChange: () => void, options: OperationOptions = {}): Promise<StorageWatch> {
    this.#lifecycle.check(options.signal);
    const watch = new FolderWatch(join(this.#root, ...keyToPath(prefix).folders), onChange, {
      ...this.#deps,
      pollIntervalMs: this.#options.pollIntervalMs,
      polling: this.#options.fileSystem === 'network',
      onClose: () => this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    try {
      await this.#run('watch', prefix, () => watch.start());
      this.#lifecycle.check(options.signal);
    } catch (error) {
      await watch.close();
      throw error;
    }
    return watch;
  }

  async close(): Promise<void> {
    this.#lifecycle.close();
    await Promise.all([...this.#watches].map((watch) => watch.close()));
    await this.#cleaning;
  }

  #check(key: string, signal: AbortSignal | undefined): void {
    this.#lifecycle.check(signal);
    checkStorageKey(key, this.limits);
  }

  #pathOf(key: string): string {
    const { folders, rest } = keyToPath(key);
    return join(this.#root, ...folders, OBJECT_MARK + encodePiece(rest));
  }

  async #run<T>(operation: string, key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw this.#explain(error, operation, key);
    }
  }

  #explain(error: unknown, operation: string, key: string): unknown {
    if (operation === 'read' && errnoOf(error) === 'ENOENT') return notFound(key, this.#options.directory);
    return toStorageError(error, operation, key, this.#options.directory);
  }

  /** Removes the object, then the folders that it leaves empty; a put that is about to use one makes it again. */
  async #remove(key: string): Promise<void> {
    const path = this.#pathOf(key);
    try {
      await removeFile(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      return;
    }
    for (let folder = dirname(path); folder !== this.#root; folder = dirname(folder)) {
      try {
        await removeFolder(folder);
      } catch {
        return; // not empty, or another delete was faster
      }
    }
  }
}
