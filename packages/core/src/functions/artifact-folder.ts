/**
 * The folder of unpacked artifacts: `<sha256>.mjs` beside a `node_modules` link to the runtime's packages. Several
 * processes share it, so files appear whole or not at all, and the least recently used leave.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, readlink, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files kept; a file is needed only until it is imported, so a small number loses little. */
const MAX_FILES = 64;
/** A file this young may be about to be imported by another process. */
const MIN_AGE_MS = 60_000;

export interface StoreArtifactOptions {
  readonly code: Uint8Array;
  readonly sha256: string;
  readonly folder: string;
  readonly nodeModules: string | undefined;
}

/** Puts an artifact's code into the folder unless it is there, byte for byte. @returns its path. */
export async function storeArtifact({ code, sha256, folder, nodeModules }: StoreArtifactOptions): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (nodeModules !== undefined) await linkNodeModules(folder, nodeModules);
  const file = join(folder, `${sha256}.mjs`);
  const existing = await readFile(file).catch(() => undefined);
  if (existing !== undefined && Buffer.compare(existing, code) === 0) {
    const now = new Date();
    await utimes(file, now, now).catch(() => undefined);
    return file;
  }
  const temporary = join(folder, `.${sha256}.${process.pid}-${randomBytes(4).toString('hex')}`);
  await writeFile(temporary, code, { mode: 0o600 });
  await rename(temporary, file);
  await removeOldest(folder);
  return file;
}

async function linkNodeModules(folder: string, target: string): Promise<void> {
  const link = join(folder, 'node_modules');
  if ((await readlink(link).catch(() => undefined)) === target) return;
  const temporary = join(folder, `.node_modules.${process.pid}-${randomBytes(4).toString('hex')}`);
  // On Windows a junction needs no privilege; elsewhere the type is ignored.
  await symlink(target, temporary, 'junction');
  await rename(temporary, link);
}

async function removeOldest(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.mjs'));
  if (names.length <= MAX_FILES) return;
  const files = await Promise.all(
    names.map(async (name) => ({
      path: join(folder, name),
      usedMs: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? Infinity,
    })),
  );
  const old = files.toSorted((a, b) => a.usedMs - b.usedMs).slice(0, names.length - MAX_FILES);
  for (const { path, usedMs } of old) if (Date.now() - usedMs > MIN_AGE_MS) await rm(path, { force: true });
}
