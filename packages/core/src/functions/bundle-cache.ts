/**
 * Bundles on disk, under the project's `node_modules/.cache/splitrock`: a program that runs again need not bundle again.
 * An entry holds what went in with size, time and hash; it counts only while all of that is unchanged. Anything wrong
 * with the cache is a miss, never an error.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundlerVersion, type Bundle, type BundleRequest } from './bundle.ts';

const FORMAT = 2;
/** What is not used for so long leaves the cache when something is added to it. */
const MAX_AGE_MS = 30 * 24 * 60 * 60 * 1000;
const MAX_BYTES = 256 * 1024 * 1024;

interface CachedInput {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}

interface CacheEntry {
  readonly format: typeof FORMAT;
  readonly inputs: readonly CachedInput[];
  /** Files that did not exist and would change how imports are found if they did. */
  readonly absent: readonly string[];
  readonly bundle: Bundle;
}

/** The folder whose `node_modules` holds the cache: the nearest one above a file that has such. */
export function projectFolderOf(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules'))) return folder;
    if (folder === dirname(folder)) return start;
  }
}

/** What a bundle depends on, apart from the files it imports. @throws ShipProblem `SHIP_NO_BUNDLER` */
export function bundleKey({ modules, external }: BundleRequest): string {
  const settings = {
    format: FORMAT,
    esbuild: bundlerVersion(),
    modules,
    external,
    execArgv: process.execArgv,
    nodeOptions: process.env['NODE_OPTIONS'],
  };
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

const entryFile = (projectFolder: string, key: string): string =>
  join(projectFolder, 'node_modules', '.cache', 'splitrock', 'bundles', `${key}.json`);

export async function readCachedBundle(projectFolder: string, key: string): Promise<Bundle | undefined> {
  try {
    const entry = JSON.parse(await readFile(entryFile(projectFolder, key), 'utf8')) as CacheEntry;
    if (entry.format !== FORMAT || entry.absent.some((path) => existsSync(path))) return undefined;
    const unchanged = await Promise.all(entry.inputs.map(isUnchanged));
    if (!unchanged.every(Boolean)) return undefined;
    const now = new Date();
    // A cache that cannot be written is as good to read.
    await utimes(entryFile(projectFolder, key), now, now).catch(() => undefined);
    return entry.bundle;
  } catch {
    return undefined;
  }
}

export async function writeCachedBundle(projectFolder: string, key: string, bundle: Bundle): Promise<void> {
  if (!existsSync(join(projectFolder, 'node_modules'))) return;
  const file = entryFile(projectFolder, key);
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    const { present, absent } = settingsFiles(projectFolder, bundle.inputs);
    const inputs = await Promise.all([...bundle.inputs, ...present].map(fingerprint));
    await mkdir(dirname(file), { recursive: true });
    // Bundled code may be private to this user, as the sources are.
    await writeFile(temporary, JSON.stringify({ format: FORMAT, inputs, absent, bundle } satisfies CacheEntry), {
      mode: 0o600,
    });
    await rename(temporary, file);
    await prune(dirname(file));
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

interface PruneLimits {
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
}

/** Removes entries that were not used for long, then those used longest ago until the rest is small enough. */
export async function prune(
  folder: string,
  { maxAgeMs = MAX_AGE_MS, maxBytes = MAX_BYTES }: PruneLimits = {},
): Promise<void> {
  const names = await readdir(folder);
  const entries = await Promise.all(
    names.map(async (name) => ({
      path: join(folder, name),
      stats: await stat(join(folder, name)).catch(() => undefined),
    })),
  );
  let bytes = 0;
  for (const { path, stats } of entries.toSorted((a, b) => (b.stats?.mtimeMs ?? 0) - (a.stats?.mtimeMs ?? 0))) {
    bytes += stats?.size ?? 0;
    const isOld = Date.now() - (stats?.mtimeMs ?? 0) > maxAgeMs;
    if (isOld || bytes > maxBytes) await rm(path, { force: true });
  }
}

/** `package.json` and `tsconfig.json` of every folder that files come from decide how imports are found. */
function settingsFiles(projectFolder: string, inputs: readonly string[]): { present: string[]; absent: string[] } {
  const folders = new Set<string>([projectFolder]);
  for (const input of inputs) {
    for (let folder = dirname(input); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
  }
  const files = [...folders].flatMap((folder) => [join(folder, 'package.json'), join(folder, 'tsconfig.json')]);
  return { present: files.filter((file) => existsSync(file)), absent: files.filter((file) => !existsSync(file)) };
}

async function fingerprint(path: string): Promise<CachedInput> {
  const [content, { size, mtimeMs }] = await Promise.all([readFile(path), stat(path)]);
  return { path, size, mtimeMs, sha256: createHash('sha256').update(content).digest('hex') };
}

async function isUnchanged(input: CachedInput): Promise<boolean> {
  const { size, mtimeMs } = await stat(input.path);
  if (size !== input.size) return false;
  if (mtimeMs === input.mtimeMs) return true;
  // A fresh checkout has new times and the same content.
  return (
    createHash('sha256')
      .update(await readFile(input.path))
      .digest('hex') === input.sha256
  );
}
