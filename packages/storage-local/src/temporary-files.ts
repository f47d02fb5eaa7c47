/**
 * Files that are being written, in a folder of the same file system, so that a rename moves them in place at once.
 *
 * A writer that is killed leaves its file behind. Names tell whose it was, `<namespace>-<pid>-<random>-<number>`; the
 * first put of a later process removes files of dead processes of its own machine at once (the namespace stands for
 * host name and process-id namespace, so that containers do not judge each other's), and any older than a day.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const STALE_MS = 24 * 60 * 60 * 1000;

export class TemporaryFiles {
  readonly #folder: string;
  readonly #prefix = `${NAMESPACE}-${process.pid}-${randomBytes(4).toString('hex')}`;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
  }

  nextPath(): string {
    return join(this.#folder, `${this.#prefix}-${++this.#count}`);
  }

  /** Removes what killed writers left. Best effort: another process may be doing the same. */
  async removeLeftovers(nowMs: number): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = join(this.#folder, name);
      if (hasDeadWriter(name) || (await isStale(path, nowMs))) await unlink(path).catch(() => undefined);
    }
  }
}

const NAMESPACE = createHash('sha256').update(`${hostname()}\n${pidNamespace()}`).digest('hex').slice(0, 8);

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // not Linux: one namespace for all
  }
}

function hasDeadWriter(name: string): boolean {
  const [namespace, pid] = name.split('-');
  if (namespace !== NAMESPACE || pid === undefined || !/^[1-9][0-9]*$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

const isStale = (path: string, nowMs: number): Promise<boolean> =>
  stat(path).then(
    ({ mtimeMs }) => nowMs - mtimeMs > STALE_MS,
    () => false,
  );
