/**
 * Lists objects in the order of their keys, folder by folder, as the consumer asks.
 *
 * Below one folder the objects' keys, the keys below `d-x` (all beginning `x/`) and those below `c-x` (all beginning
 * `x`) never interleave, so that sorting the names of a folder by these texts sorts the keys. Folders and files that lie
 * wholly before `startAfter` are neither entered nor examined.
 */
import { readdir } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compareStorageKeys, type ObjectInfo } from '@splitrock/core/plugin';
import { errnoOf } from './file-errors.ts';
import { examine, versionOf, type Patience } from './file-io.ts';
import { CONTINUED_MARK, FOLDER_MARK, OBJECT_MARK, decodePiece, keyToPath } from './key-paths.ts';

const readNames: (folder: string) => Promise<string[]> = promisify(readdir);

/** Files examined at once: enough to keep the thread pool busy, few enough for one open page of memory. */
const EXAMINED_AT_ONCE = 64;

interface Entry {
  readonly name: string;
  /** What the keys below this name begin with; the key itself for an object. */
  readonly key: string;
  readonly isObject: boolean;
}

export interface Listing {
  /** The folder of all objects. */
  readonly root: string;
  readonly prefix: string;
  readonly startAfter: string | undefined;
  readonly patience: Patience;
}

export async function* listObjects(listing: Listing): AsyncGenerator<ObjectInfo, void, void> {
  const { folders, folderKey } = keyToPath(listing.prefix);
  yield* listFolder(join(listing.root, ...folders), folderKey, listing);
}

async function* listFolder(
  folder: string,
  folderKey: string,
  listing: Listing,
): AsyncGenerator<ObjectInfo, void, void> {
  let objects: Entry[] = [];
  for (const entry of await readEntries(folder, folderKey, listing)) {
    if (entry.isObject) {
      objects.push(entry);
      if (objects.length < EXAMINED_AT_ONCE) continue;
    }
    yield* await examineAll(folder, objects, listing.patience);
    objects = [];
    if (!entry.isObject) yield* listFolder(join(folder, entry.name), entry.key, listing);
  }
  yield* await examineAll(folder, objects, listing.patience);
}

/** The names of a folder that may matter, in the order of their keys. A folder that is not there is an empty one. */
async function readEntries(folder: string, folderKey: string, { prefix, startAfter }: Listing): Promise<Entry[]> {
  let names: string[];
  try {
    names = await readNames(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  const entries: Entry[] = [];
  const passed = startAfter?.startsWith(folderKey) === true ? startAfter.slice(folderKey.length) : undefined;
  for (const name of names) {
    if (passed !== undefined && isPlainUpTo(name, passed)) continue;
    const entry = toEntry(name, folderKey);
    if (entry !== undefined && mayMatch(entry, prefix) && mayFollow(entry, startAfter)) entries.push(entry);
  }
  return entries.sort((left, right) => compareStorageKeys(left.key, right.key));
}

/**
 * Whether a name is that of an object whose piece is not escaped and not after `passed`. Decides for most names of a
 * long folder of which only the end is wanted, at a tenth of the cost of decoding them.
 */
const isPlainUpTo = (name: string, passed: string): boolean =>
  name.startsWith(OBJECT_MARK) &&
  !name.includes('%') &&
  compareStorageKeys(name.slice(OBJECT_MARK.length), passed) <= 0;

function toEntry(name: string, folderKey: string): Entry | undefined {
  const piece = decodePiece(name.slice(OBJECT_MARK.length));
  if (piece === undefined) return undefined;
  if (name.startsWith(OBJECT_MARK)) return { name, key: folderKey + piece, isObject: true };
  if (name.startsWith(FOLDER_MARK)) return { name, key: `${folderKey}${piece}/`, isObject: false };
  if (name.startsWith(CONTINUED_MARK)) return { name, key: folderKey + piece, isObject: false };
  return undefined;
}

const mayMatch = ({ key, isObject }: Entry, prefix: string): boolean =>
  key.startsWith(prefix) || (!isObject && prefix.startsWith(key));

function mayFollow({ key, isObject }: Entry, startAfter: string | undefined): boolean {
  if (startAfter === undefined || compareStorageKeys(key, startAfter) > 0) return true;
  return !isObject && startAfter.startsWith(key);
}

async function examineAll(folder: string, entries: readonly Entry[], patience: Patience): Promise<ObjectInfo[]> {
  const infos = await Promise.all(entries.map(({ name, key }) => examineObject(join(folder, name), key, patience)));
  return infos.filter((info) => info !== undefined);
}

/** `undefined` when there is no such object. */
export async function examineObject(path: string, key: string, patience: Patience): Promise<ObjectInfo | undefined> {
  try {
    const stats = await examine(path, patience);
    return { key, size: stats.size, modifiedAtMs: stats.mtimeMs, version: versionOf(stats) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
