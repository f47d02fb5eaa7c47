/** What users write: `objects(...)`. A description only; nothing is looked at before a job takes it. */
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import { isCloudObject } from '../user-storage/cloud-object.ts';
import type { Cutting } from './cuts.ts';
import type { Partition } from './partition.ts';
import { parseSource, type DataSource } from './sources.ts';

export interface ObjectsOptions {
  /** Cuts objects into parts of so many bytes, at least 1; the last one may be smaller. @defaultValue objects stay whole */
  readonly chunkBytes?: number;
  /** Cuts each object into so many parts of equal size, or into as many as it has bytes. Not with {@link chunkBytes}. */
  readonly chunks?: number;
  /**
   * What rows end with, text or bytes: a part then has the rows that start in its range, whole. `null` cuts at any byte.
   * @defaultValue `\n`
   */
  readonly newline?: string | Uint8Array | null;
  /**
   * The most bytes of local files that are uploaded for workers that do not share this machine's disk; with more the job is
   * refused before anything is sent. @defaultValue 1 GiB
   */
  readonly maxUploadBytes?: number;
}

declare const ITEM: unique symbol;

/** Says, to the compiler only, what the items are. */
export interface ItemsOf<I> {
  readonly [ITEM]: I;
}

/** @internal Told of each partition, in order, before it is submitted. */
export const OBSERVER: unique symbol = Symbol.for('splitrock.dataSetObserver') as never;

const BRAND = Symbol.for('splitrock.dataSet');
const DEFAULT_MAX_UPLOAD_BYTES = 1024 ** 3;

/** Objects to work on, made by {@link objects}; an input of `map` and `mapReduce`. */
export class DataSet implements ItemsOf<Partition> {
  declare readonly [ITEM]: Partition;
  readonly sources: readonly DataSource[];
  /** @internal */
  readonly cutting: Cutting;
  /** @internal */
  readonly maxUploadBytes: number;
  /** @internal */
  readonly [OBSERVER]?: (partition: Partition) => void;

  /** @internal Made by {@link objects}. */
  constructor(sources: readonly DataSource[], options: ObjectsOptions) {
    this.sources = sources;
    this.cutting = cuttingOf(options);
    this.maxUploadBytes = options.maxUploadBytes ?? DEFAULT_MAX_UPLOAD_BYTES;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** The same data set, with someone who is told of its partitions. */
export const observed = (dataSet: DataSet, observer: (partition: Partition) => void): DataSet =>
  Object.create(dataSet, { [OBSERVER]: { value: observer } }) as DataSet;

export const isDataSet = (value: unknown): value is DataSet =>
  typeof value === 'object' && value !== null && BRAND in value;

/**
 * Names objects, to be worked on part by part: one call for each part. Sources are keys, prefixes and patterns of the
 * executor's storage and of others (`s3://bucket/…`), cloud objects, files, folders and patterns of files (`./…`, `/…`),
 * and URLs; several are taken one after the other, and an object that several name is taken once. See {@link DataSource}.
 *
 * All are looked at when a job takes the data set, before anything runs: a source that is missing or matches nothing fails
 * the job. The order is that of the sources, below each one that of the keys' UTF-8 bytes.
 *
 * @example
 * ```ts
 * const sizes = await executor.map((part) => part.size, objects(['data/*.csv', 'https://example.org/more.csv']));
 * ```
 * @throws InvalidArgumentError
 */
export function objects(source: DataSource | readonly DataSource[], options: ObjectsOptions = {}): DataSet {
  const sources = isList(source) ? [...source] : [source];
  if (sources.length === 0) throw invalid('it has no sources');
  // Says at once what is no source; files are looked up from where the job is started.
  for (const each of sources) parseSource(each, '/');
  return new DataSet(sources, options);
}

const isList = (source: DataSource | readonly DataSource[]): source is readonly DataSource[] =>
  Array.isArray(source) && !isCloudObject(source);

function cuttingOf({ chunkBytes, chunks, newline = '\n', maxUploadBytes }: ObjectsOptions): Cutting {
  if (chunkBytes !== undefined && chunks !== undefined) throw invalid('chunkBytes and chunks exclude each other');
  for (const [name, value] of Object.entries({ chunkBytes, chunks, maxUploadBytes })) {
    const least = name === 'maxUploadBytes' ? 0 : 1;
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue;
    throw invalid(`${name} must be an integer of at least ${least}, got ${value}`);
  }
  if (newline === null) return { chunkBytes, chunks, newline };
  if (typeof newline !== 'string' && !(newline instanceof Uint8Array))
    throw invalid('newline must be text, bytes or null');
  if (newline.length === 0) throw invalid('newline must not be empty; null cuts at any byte');
  return { chunkBytes, chunks, newline: Buffer.from(newline as Uint8Array).toString('latin1') };
}

const invalid = (problem: string): InvalidArgumentError =>
  new InvalidArgumentError('ARGUMENT_INVALID', `A data set is not as it must be: ${problem}.`);
