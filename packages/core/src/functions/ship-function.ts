/**
 * Client half of shipping functions: capture (synchronous, inside `map()`), then bundle (asynchronous).
 */
import { dirname } from 'node:path';
import type { Logger } from '../contracts/logger.ts';
import { decodeValue, encodeValue } from '../codec/codec.ts';
import { artifactSource, packArtifact, type ArtifactSource } from './artifact.ts';
import { bundle, type Bundle, type BundleRequest } from './bundle.ts';
import { bundleKey, projectFolderOf, readCachedBundle, writeCachedBundle } from './bundle-cache.ts';
import { captureFunction, type Capture } from './capture-function.ts';
import type { AnyFunction, CaptureOptions } from './capture-options.ts';
import { ClassTable } from './class-table.ts';
import { ShipProblem } from './ship-errors.ts';
import { stackMapper } from './stack-map.ts';

/** What a capture froze: nothing that happens later in the client changes it. Opaque outside this folder. */
export interface CapturedFunction {
  /** For messages and job names: the function's name or `anonymous`. */
  readonly name: string;
  /** Captured values, encoded. */
  readonly environment: Uint8Array;
  readonly warnings: readonly string[];
  /** Encodes an input; instances of classes that travel with the function arrive as such, others as plain data. */
  readonly encodeInput: (value: unknown) => Uint8Array;
}

/** A function ready to travel. */
export interface ShippedFunction {
  readonly name: string;
  /** Hex sha-256 of {@link artifact}: its key in storage, checked by the worker before it is loaded. */
  readonly sha256: string;
  /** Gzipped ES module, free of values and paths. */
  readonly artifact: Uint8Array;
  /** JSON manifest stored beside the artifact. */
  readonly manifest: Uint8Array;
  /** Captured values, encoded; they travel with the job. */
  readonly environment: Uint8Array;
  /** Packages the function expects in the workers' runtime, name to the client's version. */
  readonly externals: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Encodes an input; instances of classes that travel with the function arrive as such, others as plain data. */
  readonly encodeInput: (value: unknown) => Uint8Array;
  /** Decodes a result or an error of this function; instances of shipped classes become the client's own. */
  decodeResult(bytes: Uint8Array): unknown;
  /** Rewrites a worker's stack so that it points at the user's own source lines. */
  mapStack(stack: string): string;
}

export interface ShipperOptions {
  readonly logger: Logger;
  /** Limit of the captured values in bytes; users call it `maxCapturedBytes`. @defaultValue 64 MiB */
  readonly maxEnvironmentBytes?: number;
  /** Packages left to the runtime image instead of being bundled. */
  readonly external?: readonly string[];
}

const DEFAULT_MAX_ENVIRONMENT_BYTES = 64 * 1024 * 1024;

interface Captured extends CapturedFunction {
  readonly capture: Capture;
  readonly external: readonly string[];
}

/** Bundles of this process, by key: its code does not change while it runs. */
const bundles = new Map<string, Promise<PackedBundle>>();
/** The same by what went into the capture, which takes less time to tell than the key. */
const shippable = new Map<string, Shippable>();

interface PackedBundle extends Bundle {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

interface Shippable {
  readonly source: ArtifactSource;
  readonly projectFolder: string;
  readonly packing: Promise<PackedBundle>;
}

/** Equal for captures whose artifacts are equal. */
function codeIdentity({ capture, external }: Captured): string {
  const sites = capture.sites.map(({ id, script }) => `${script.id} ${id}`).toSorted();
  const exports = [...capture.exports].map(([id, { by }]) => `${by} ${id}`).toSorted();
  return [...sites, ...exports, ...external, process.cwd(), process.env['NODE_OPTIONS']].join('\n');
}

/** For functions that are nothing but an import. */
function firstFolder({ exports }: Capture): string | undefined {
  const [first] = exports.values();
  return first === undefined ? undefined : dirname(first.file);
}

/** Captures and bundles functions; keeps the caches. One per executor. */
export class FunctionShipper {
  readonly #options: ShipperOptions;
  readonly #told = new Set<string>();

  constructor(options: ShipperOptions) {
    this.#options = options;
  }

  /** Freezes a function and all it reaches, synchronously. @throws ShipError with the path that led to the trouble. */
  capture(fn: AnyFunction, options: CaptureOptions = {}): CapturedFunction {
    const capture = captureFunction(fn, {
      ...options,
      maxEnvironmentBytes: this.#options.maxEnvironmentBytes ?? DEFAULT_MAX_ENVIRONMENT_BYTES,
    });
    this.#tell(capture.warnings);
    const table = this.#tableOf(capture);
    const captured: Captured = {
      name: capture.name,
      environment: capture.environment,
      warnings: capture.warnings,
      encodeInput: (value) =>
        encodeValue(value, { extension: table, onWarning: ({ message }) => this.#tell([message]) }),
      capture,
      external: [...new Set([...(this.#options.external ?? []), ...(options.external ?? [])])].toSorted(),
    };
    return captured;
  }

  /** Bundles what was captured. Equal functions give equal bytes. @throws ShipError */
  async ship(captured: CapturedFunction): Promise<ShippedFunction> {
    const { capture } = captured as Captured;
    try {
      const prepared = this.#prepare(captured as Captured);
      const packed = await prepared.packing;
      this.#tell(packed.warnings);
      return this.#shipped(captured as Captured, prepared, packed);
    } catch (error) {
      throw error instanceof ShipProblem ? capture.explain(error) : error;
    }
  }

  #prepare(captured: Captured): Shippable {
    const identity = codeIdentity(captured);
    let prepared = shippable.get(identity);
    if (prepared === undefined) {
      const { capture, external } = captured;
      const source = artifactSource(capture.sites, capture.exports);
      const projectFolder = projectFolderOf(source.modules[1]?.folder ?? firstFolder(capture) ?? process.cwd());
      const packing = this.#bundle({ modules: source.modules, projectFolder, external });
      prepared = { source, projectFolder, packing };
      shippable.set(identity, prepared);
      packing.catch(() => shippable.delete(identity));
    }
    return prepared;
  }

  async #bundle(request: BundleRequest): Promise<PackedBundle> {
    const key = bundleKey(request);
    let packing = bundles.get(key);
    if (packing === undefined) {
      packing = this.#bundleAnew(request, key);
      bundles.set(key, packing);
      packing.catch(() => bundles.delete(key));
    }
    return packing;
  }

  async #bundleAnew(request: BundleRequest, key: string): Promise<PackedBundle> {
    const cached = await readCachedBundle(request.projectFolder, key);
    const made = cached ?? (await bundle(request));
    if (cached === undefined) await writeCachedBundle(request.projectFolder, key, made);
    return { ...made, ...packArtifact(made.code) };
  }

  #shipped(captured: Captured, { source, projectFolder }: Shippable, packed: PackedBundle): ShippedFunction {
    const { capture, name, environment, encodeInput } = captured;
    const { emitted } = source;
    const { sha256, bytes, externals, map, inputs } = packed;
    const warnings = [...capture.warnings, ...packed.warnings];
    const manifest = {
      v: 1,
      node: '>=20',
      externals,
      files: inputs.length,
      bytes: packed.code.length,
      warnings: warnings.length,
    };
    const table = this.#tableOf(capture);
    return {
      name,
      sha256,
      artifact: bytes,
      manifest: new TextEncoder().encode(JSON.stringify(manifest)),
      environment,
      externals,
      warnings,
      encodeInput,
      decodeResult: (result) =>
        decodeValue(result, { extension: table, onWarning: ({ message }) => this.#tell([message]) }),
      mapStack: stackMapper({ sha256, map, emitted, projectFolder }),
    };
  }

  #tableOf({ classes, mayMeetStamps }: Capture): ClassTable {
    const keys = new Map([...classes].map(([key, cls]) => [cls, key]));
    return new ClassTable({
      keyOf: (cls) => keys.get(cls),
      classOf: (key) => classes.get(key),
      mayBeStamped: () => mayMeetStamps,
    });
  }

  #tell(warnings: Iterable<string>): void {
    for (const warning of warnings) {
      if (this.#told.has(warning)) continue;
      this.#told.add(warning);
      this.#options.logger.warn(warning);
    }
  }
}
