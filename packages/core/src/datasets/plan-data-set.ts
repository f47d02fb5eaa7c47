/** Finds the objects of a data set: all of them, before anything runs. */
import { DataSetError, isSplitrockError } from '../errors/splitrock-error.ts';
import type { DataSet } from './data-set.ts';
import type { DataStorages } from './data-storages.ts';
import { planLocalFiles } from './local-files.ts';
import { addressName, type PlannedObject } from './planned-object.ts';
import { parseSource, type DataSource, type Source } from './sources.ts';
import { planStorageObject, planStorageObjects, type StoragePlace } from './storage-objects.ts';
import { planUrl } from './url-objects.ts';
import type { UrlPatience } from './url-requests.ts';

export interface DataSetPlanning {
  readonly storages: DataStorages;
  /** Where relative paths begin. */
  readonly cwd: string;
  readonly urlPatience?: UrlPatience;
  /** Ends the planning. */
  readonly signal?: AbortSignal;
}

/** Sources that are looked at at a time. */
const PARALLEL_SOURCES = 16;
/** Failures that one message names. */
const MAX_NAMED = 10;

/**
 * The objects of all sources, in the order of the sources, each once.
 * @throws the error of the source that cannot be had; of several, a DataSetError that names them.
 */
export async function planDataSet(dataSet: DataSet, planning: DataSetPlanning): Promise<readonly PlannedObject[]> {
  const results: PromiseSettledResult<readonly PlannedObject[]>[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < dataSet.sources.length) {
      const index = next;
      next += 1;
      const [result] = await Promise.allSettled([planSource(dataSet.sources[index] as DataSource, planning)]);
      results[index] = result;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_SOURCES }, work));
  planning.signal?.throwIfAborted();
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (errors.length > 0) throw together(errors, dataSet.sources.length);
  return unique(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
}

function planSource(source: DataSource, planning: DataSetPlanning): Promise<readonly PlannedObject[]> {
  const parsed = parseSource(source, planning.cwd);
  if (parsed.kind === 'url') return planUrl(parsed.url, planning).then((object) => [object]);
  if (parsed.kind === 'files') return planLocalFiles(parsed.path);
  return planInStorage(parsed, planning);
}

async function planInStorage(
  source: Exclude<Source, { kind: 'url' | 'files' }>,
  planning: DataSetPlanning,
): Promise<readonly PlannedObject[]> {
  if (source.kind === 'object') {
    return [await planStorageObject(ownPlace(planning, source.key), source.key)];
  }
  if (source.kind === 'keys') return planStorageObjects(ownPlace(planning, source.text), source.text);
  const { storages, signal } = planning;
  const { storage: name } = source;
  const { bucket, text } = await storages.locate(name, source.text);
  const place: StoragePlace = {
    storage: await storages.open(name, bucket),
    addressOf: (key) => ({ kind: 'storage', storage: name, bucket, key }),
    shown: `${name}://${source.text}`,
    signal,
  };
  return planStorageObjects(place, text);
}

const ownPlace = ({ storages, signal }: DataSetPlanning, shown: string): StoragePlace => ({
  storage: storages.own,
  signal,
  addressOf: (key) => ({ kind: 'key', key }),
  shown,
});

/** The first of those that several sources name. */
function unique(found: readonly (readonly PlannedObject[])[]): readonly PlannedObject[] {
  if (found.length === 1) return found[0] as readonly PlannedObject[];
  const objects = new Map<string, PlannedObject>();
  for (const object of found.flat()) {
    const { address } = object;
    const name = `${address.kind}:${address.kind === 'url' ? address.url : addressName(address)}`;
    if (!objects.has(name)) objects.set(name, object);
  }
  return [...objects.values()];
}

function together(errors: readonly unknown[], sources: number): unknown {
  const [first] = errors;
  if (errors.length === 1) return first;
  const messages = errors.slice(0, MAX_NAMED).map((error) => (error instanceof Error ? error.message : String(error)));
  const more = errors.length > MAX_NAMED ? ` … and ${errors.length - MAX_NAMED} more` : '';
  return new DataSetError(
    isSplitrockError(first) ? first.code : 'DATASET_UNREADABLE',
    `${errors.length} of ${sources} sources of a data set cannot be had: ${messages.join(' ')}${more}`,
    { cause: first, retryable: errors.every((error) => isSplitrockError(error) && error.retryable) },
  );
}
