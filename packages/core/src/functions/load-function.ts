/**
 * Worker half of shipping functions: checks an artifact, imports it once, and gives the function its captured values
 * afresh for each call, so that no call sees what another changed.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { decodeValue, encodeValue } from '../codec/codec.ts';
import { openFrame } from '../codec/frame.ts';
import { SerializationError } from '../errors/splitrock-error.ts';
import { storeArtifact } from './artifact-folder.ts';
import { ClassTable } from './class-table.ts';
import { withoutUnsendable } from './sendable-error.ts';
import { whileLoading } from './loading-guard.ts';
import { ReceivedGraph, type ArtifactModule } from './received-graph.ts';

export interface LoadFunctionOptions {
  readonly sha256: string;
  /** The artifact's bytes, or how to get them: not asked for when this process has imported the function before. */
  readonly artifact: Uint8Array | (() => Promise<Uint8Array>);
  readonly environment: Uint8Array;
  /** Folder for unpacked artifacts; the processes of one worker may share it. */
  readonly cacheDirectory: string;
  /** Where imports of external packages, and of Splitrock itself, are found. @defaultValue none */
  readonly nodeModules?: string;
}

/** A function as a slot runs it. */
export interface LoadedFunction {
  /** Calls the user's function with the decoded item and the call's context. */
  call(item: unknown, context: unknown): unknown;
  /** Encodes a result, or a thrown value, so that the client can revive the classes it knows. */
  encodeResult(value: unknown): Uint8Array;
  /** Decodes an input; instances of shipped classes become this worker's own. */
  decodeInput(bytes: Uint8Array): unknown;
}

/** Larger than any function; stops a damaged or hostile artifact from filling the memory. */
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;
const unpack = promisify(gunzip);

/**
 * @throws SerializationError `DATA_CORRUPT` when the artifact does not have the hash or is none, or when the captured values
 * are damaged; nothing is evaluated then. What the function's own modules throw while they are loaded is thrown as it is.
 */
export async function loadFunction(options: LoadFunctionOptions): Promise<LoadedFunction> {
  // Damage of the captured values is found now, not as if the function had thrown it.
  openFrame(options.environment);
  return new InstantiatingFunction(await importOnce(options), options.environment);
}

const imported = new Map<string, Promise<ArtifactModule>>();

// Modules are never freed, so each is imported once however many jobs use it.
async function importOnce(options: LoadFunctionOptions): Promise<ArtifactModule> {
  const { sha256, artifact, cacheDirectory, nodeModules } = options;
  // Bytes that are here anyway are checked even if they are not needed any more.
  if (typeof artifact !== 'function') checkHash(sha256, artifact);
  const key = join(cacheDirectory, sha256);
  let loading = imported.get(key);
  if (loading === undefined) {
    loading = unpackArtifact(sha256, artifact).then((code) =>
      importArtifact(code, sha256, cacheDirectory, nodeModules),
    );
    imported.set(key, loading);
    loading.catch(() => imported.delete(key));
  }
  return loading;
}

async function unpackArtifact(sha256: string, artifact: LoadFunctionOptions['artifact']): Promise<Uint8Array> {
  const bytes = typeof artifact === 'function' ? await artifact() : artifact;
  checkHash(sha256, bytes);
  try {
    return await unpack(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    throw new SerializationError(
      'DATA_CORRUPT',
      `Function artifact cannot be unpacked [sha256=${sha256}]; submit the job again.`,
      { cause },
    );
  }
}

function checkHash(sha256: string, bytes: Uint8Array): void {
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (hash === sha256) return;
  throw new SerializationError(
    'DATA_CORRUPT',
    `Function artifact is damaged [sha256=${sha256}, found=${hash}]; it was not loaded. Submit the job again.`,
  );
}

async function importArtifact(
  code: Uint8Array,
  sha256: string,
  cacheDirectory: string,
  nodeModules: string | undefined,
): Promise<ArtifactModule> {
  const file = await storeArtifact({ code, sha256, folder: cacheDirectory, nodeModules });
  const module = (await whileLoading(sha256, () => import(pathToFileURL(file).href))) as Partial<ArtifactModule>;
  if (module.v !== 1) {
    throw new SerializationError(
      'DATA_VERSION',
      `Function artifact has version ${String(module.v)}, this worker reads version 1; use the same Splitrock version on both sides.`,
    );
  }
  if (typeof module.sites !== 'object' || typeof module.exports !== 'object') {
    throw new SerializationError(
      'DATA_CORRUPT',
      `Function artifact has no functions [sha256=${sha256}]; submit the job again.`,
    );
  }
  return module as ArtifactModule;
}

/** What the client encodes as the environment. */
export interface EnvironmentRoot {
  readonly fn: (...args: unknown[]) => unknown;
  /** Present when the function gets a `this`. */
  readonly self?: unknown;
  /** Present for the explicit form: its first argument. */
  readonly captures?: unknown;
  /** Nothing in here can change, so calls may share it. */
  readonly shareable: boolean;
  /** A class that it reaches can put `#private` members onto objects that are none of its instances. */
  readonly stamps?: boolean;
  /** Classes of inputs that the function does not name. */
  readonly classes: readonly object[];
}

interface Instance {
  readonly root: EnvironmentRoot;
  readonly classes: ReadonlyMap<string, object>;
}

class InstantiatingFunction implements LoadedFunction {
  readonly #module: ArtifactModule;
  readonly #environment: Uint8Array;
  readonly #reruns = new Map<string, unknown>();
  /** Keys of classes, of all instances: a result may come from any of them. */
  readonly #keys = new WeakMap<object, string>();
  /** The instance whose classes an input was decoded with: its call must use the same one. */
  readonly #instanceOf = new WeakMap<object, Instance>();
  readonly #results: ClassTable;
  #stamps = false;
  #shared: Instance | undefined;

  constructor(module: ArtifactModule, environment: Uint8Array) {
    this.#module = module;
    this.#environment = environment;
    this.#results = new ClassTable({
      keyOf: (cls) => this.#keys.get(cls),
      classOf: () => undefined,
      mayBeStamped: () => this.#stamps,
    });
  }

  call(item: unknown, context: unknown): unknown {
    const prepared = typeof item === 'object' && item !== null ? this.#instanceOf.get(item) : undefined;
    const { root } = prepared ?? this.#instance();
    const args = 'captures' in root ? [root.captures, item, context] : [item, context];
    return Reflect.apply(root.fn, root.self, args);
  }

  encodeResult(value: unknown): Uint8Array {
    try {
      return encodeValue(value, { extension: this.#results });
    } catch (error) {
      // What went wrong in the user's code must arrive, even if the error holds what cannot travel, as zod's do.
      if (!(value instanceof Error)) throw error;
      return encodeValue(withoutUnsendable(value, this.#results), { extension: this.#results });
    }
  }

  decodeInput(bytes: Uint8Array): unknown {
    let instance: Instance | undefined;
    const classOf = (key: string): object | undefined => {
      instance ??= this.#instance();
      return instance.classes.get(key);
    };
    const item = decodeValue(bytes, { extension: new ClassTable({ classOf, keyOf: () => undefined }) });
    if (instance !== undefined && typeof item === 'object' && item !== null) this.#instanceOf.set(item, instance);
    return item;
  }

  #instance(): Instance {
    if (this.#shared !== undefined) return this.#shared;
    const classes = new Map<string, object>();
    const onClass = (key: string, cls: object): void => {
      classes.set(key, cls);
      this.#keys.set(cls, key);
    };
    for (const [id, read] of Object.entries(this.#module.exports)) {
      const exported = read();
      if (typeof exported === 'function') onClass(id, exported);
    }
    const extension = new ReceivedGraph({ module: this.#module, reruns: this.#reruns, onClass });
    const root = decodeValue(this.#environment, { extension }) as EnvironmentRoot;
    if (typeof root?.fn !== 'function') {
      throw new SerializationError(
        'DATA_CORRUPT',
        'What was sent as a function is none on this worker; if you named it by its module, correct the name of the export, else submit the job again.',
      );
    }
    if (root.stamps === true) this.#stamps = true;
    const instance = { root, classes };
    if (root.shareable) this.#shared = instance;
    return instance;
  }
}
