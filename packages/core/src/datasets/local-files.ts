/** Files of this machine as sources of data sets. */
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { compareStorageKeys } from '../storage-support/storage-key.ts';
import type { ByteSource } from './byte-source.ts';
import { objectReplaced, sourceNotFound, sourceUnreadable } from './data-set-errors.ts';
import { isPattern, parseGlob, type Glob } from './glob.ts';
import type { PlannedObject } from './planned-object.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * The files that an absolute path names: the file, all files in the folder and the folders below, or those that match the
 * pattern; in the order of their paths' UTF-8 bytes. In folders, and where a pattern has `*` or `?`, names that begin with
 * a dot are passed over. Links to files are followed, links to folders are not, but for the named folder itself.
 * @throws DataSetError `DATASET_NOT_FOUND`, `DATASET_UNREADABLE`.
 */
export async function planLocalFiles(path: string): Promise<PlannedObject[]> {
  const paths = (await examine(path)) === undefined && isPattern(path) ? await matching(path) : await below(path);
  if (paths.length === 0) {
    throw sourceNotFound('Nothing matches a source of a data set', 'check the path and the pattern', {
      facts: { source: path },
    });
  }
  return Promise.all(paths.sort(compareStorageKeys).map(planFile));
}

async function planFile(path: string): Promise<PlannedObject> {
  const stats = await examine(path);
  if (stats === undefined) throw missing(path);
  return { address: { kind: 'file', path }, size: stats.size, version: versionOf(stats), seekable: true };
}

async function below(path: string): Promise<string[]> {
  const stats = await examine(path);
  if (stats === undefined) throw missing(path);
  if (stats.isDirectory()) return walk(path.replace(/(?<=.)\/+$/, ''));
  if (!stats.isFile() || path.endsWith('/')) {
    const facts = { source: path };
    throw sourceUnreadable('A source of a data set is neither a file nor a folder', 'name one', { facts });
  }
  return [path];
}

async function matching(pattern: string): Promise<string[]> {
  const glob = parseGlob(pattern);
  const root = glob.literalPrefix.endsWith('/') ? glob.literalPrefix.slice(0, -1) : dirname(glob.literalPrefix);
  const stats = await examine(root === '' ? '/' : root);
  return stats?.isDirectory() === true ? walk(root, { glob, hidden: /(?:^|\/|[{,])\\?\./.test(pattern) }) : [];
}

/** Paths of files, folder by folder. */
async function walk(folder: string, options: { glob?: Glob; hidden?: boolean } = {}): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(folder === '' ? '/' : folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  for (const entry of entries) {
    if (entry.name.startsWith('.') && options.hidden !== true) continue;
    const path = folder === '' ? `/${entry.name}` : join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await walk(path, options)));
    else if (options.glob?.matches(path) !== false && (await isFile(entry, path))) found.push(path);
  }
  return found;
}

const isFile = async (entry: { isFile(): boolean; isSymbolicLink(): boolean }, path: string): Promise<boolean> =>
  entry.isFile() || (entry.isSymbolicLink() && (await examine(path))?.isFile() === true);

async function examine(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw unreadable(path, cause);
  }
}

/** A file that is written to has another size or time; one that replaces it is another inode. */
export const versionOf = ({ ino, size, mtimeMs }: Stats): string => `${ino}-${size}-${mtimeMs}`;

/** Reads a file that nobody changes: its version is compared before and after each read. */
export class LocalFile implements ByteSource {
  readonly #path: string;
  readonly #version: string;

  constructor(path: string, version: string) {
    this.#path = path;
    this.#version = version;
  }

  async *read(start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, void> {
    const handle = await this.#open();
    try {
      await this.#expectUnchanged(handle);
      for (let position = start; position < end;) {
        signal?.throwIfAborted();
        const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - position));
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
        if (bytesRead === 0) throw objectReplaced(this.#path, `it ends after ${position} bytes`);
        position += bytesRead;
        // Before the last bytes are given away, so that whoever has all of them has the right ones.
        if (position === end) await this.#expectUnchanged(handle);
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async #open(): Promise<FileHandle> {
    try {
      return await open(this.#path, 'r');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(this.#path, cause);
      throw objectReplaced(this.#path, 'there is no such file on this machine', cause);
    }
  }

  async #expectUnchanged(handle: FileHandle): Promise<void> {
    if (versionOf(await handle.stat()) !== this.#version)
      throw objectReplaced(this.#path, 'it was written to or replaced');
  }
}

const missing = (path: string) =>
  sourceNotFound('A source of a data set is not there', 'check the path', { facts: { source: path } });

const unreadable = (path: string, cause: unknown) =>
  sourceUnreadable('A file or folder of a data set cannot be read', 'check its permissions', {
    cause,
    facts: { source: path, error: (cause as NodeJS.ErrnoException).code ?? String(cause) },
  });
