/** The storages that data sets may be read from: the executor's own, and others by name and bucket. */
import type { StorageDeps, StoragePlugin } from '../contracts/plugin.ts';
import type { Storage } from '../contracts/storage.ts';
import { ConfigError } from '../errors/splitrock-error.ts';
import { PLUGIN_TIMEOUT_MS } from '../plugins/call-plugin.ts';
import { makePart } from '../plugins/make-part.ts';
import type { ObjectAddress } from './planned-object.ts';

/** A storage plugin with its options; those of a bucket are laid over them. */
export interface DataStorage {
  readonly plugin: StoragePlugin;
  /** Secret: never log them. */
  readonly options: unknown;
}

export interface DataStoragesOptions {
  /** The executor's storage; it is not closed here. */
  readonly own: Storage;
  /** Names of all that can be opened. */
  readonly names: readonly string[];
  /** Called once for each that is used. */
  readonly load: (name: string) => Promise<DataStorage>;
  readonly deps: StorageDeps;
  /** How long one may take to be opened, in milliseconds. @defaultValue 120_000 */
  readonly timeoutMs?: number;
}

export class DataStorages {
  readonly own: Storage;
  readonly #options: DataStoragesOptions;
  readonly #loaded = new Map<string, Promise<DataStorage>>();
  readonly #opened = new Map<string, Promise<Storage>>();

  constructor(options: DataStoragesOptions) {
    this.own = options.own;
    this.#options = options;
  }

  /**
   * What follows `name://`: its first part is a bucket where the storage has some.
   * @throws ConfigError `CONFIG_INVALID` for a storage that data sets may not be read from.
   */
  async locate(name: string, text: string): Promise<{ readonly bucket: string | undefined; readonly text: string }> {
    const { plugin } = await this.#load(name);
    if (plugin.optionsOfBucket === undefined) return { bucket: undefined, text };
    const [bucket = '', ...rest] = text.split('/');
    return { bucket, text: rest.join('/') };
  }

  /** The storage that has an object. @throws ConfigError `CONFIG_INVALID`; what the plugin throws. */
  storageOf(address: Extract<ObjectAddress, { kind: 'key' | 'storage' }>): Promise<Storage> {
    return address.kind === 'key' ? Promise.resolve(this.own) : this.open(address.storage, address.bucket);
  }

  /** Opened once, and kept until {@link close}. */
  open(name: string, bucket: string | undefined): Promise<Storage> {
    const place = JSON.stringify([name, bucket]);
    let opening = this.#opened.get(place);
    if (opening === undefined) {
      opening = this.#open(name, bucket);
      this.#opened.set(place, opening);
      opening.catch(() => this.#opened.delete(place));
    }
    return opening;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#opened.values());
    this.#opened.clear();
    for (const result of opened) {
      if (result.status === 'fulfilled' && result.value !== this.own) await result.value.close();
    }
  }

  async #open(name: string, bucket: string | undefined): Promise<Storage> {
    const { plugin, options } = await this.#load(name);
    if (bucket === undefined || plugin.optionsOfBucket === undefined) {
      return name === this.own.name ? this.own : this.#make(plugin, options);
    }
    const given = { ...(options as object), ...plugin.optionsOfBucket(bucket) };
    const parsed = plugin.optionsSchema.safeParse(given);
    // zod's messages can quote the value, which may be secret.
    if (parsed.success) return this.#make(plugin, parsed.data);
    const paths = parsed.error.issues.map((issue) => issue.path.join('.') || '(all)').join(', ');
    throw new ConfigError(
      'CONFIG_INVALID',
      `Storage ${name} cannot be opened with such a bucket [bucket=${bucket}, options=${paths}]; check the source of the data set.`,
    );
  }

  #make(plugin: StoragePlugin, options: unknown): Promise<Storage> {
    const { deps, timeoutMs = PLUGIN_TIMEOUT_MS } = this.#options;
    return makePart('createStorage', plugin, () => plugin.createStorage(options, deps), { ...deps, timeoutMs });
  }

  #load(name: string): Promise<DataStorage> {
    const { names, load } = this.#options;
    if (!names.includes(name)) {
      const known = names.length === 0 ? 'none' : names.join(', ');
      throw new ConfigError(
        'CONFIG_INVALID',
        `Data sets may not be read from storage ${name} [may=${known}]; name it in the configuration: dataStorages: [${name}].`,
      );
    }
    let loading = this.#loaded.get(name);
    if (loading === undefined) {
      loading = load(name);
      this.#loaded.set(name, loading);
      loading.catch(() => this.#loaded.delete(name));
    }
    return loading;
  }
}
