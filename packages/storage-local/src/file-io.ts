/**
 * The few file operations that the hot paths need.
 *
 * Each asynchronous one is a trip to libuv's thread pool and back, 20 to 30 µs, most of what a small get or put costs;
 * `fs/promises` adds a FileHandle to that. So: callbacks made promises, and synchronous calls where the kernel answers
 * from memory (fstat and close of a file opened for reading). On a local file system so are opening, examining and
 * reading small files, and giving a file its name: some microseconds, less than what the trip alone costs; see
 * {@link Patience}.
 */
import {
  close,
  closeSync,
  fstatSync,
  fsync,
  link,
  linkSync,
  lstat,
  lstatSync,
  mkdir,
  mkdirSync,
  open,
  openSync,
  read,
  readSync,
  rename,
  renameSync,
  unlink,
  unlinkSync,
  write,
  writeSync,
  type Stats,
} from 'node:fs';
import { promisify } from 'node:util';

/** `quick` waits for the file system within the event loop where that takes microseconds; `patient` never does. */
export type Patience = 'quick' | 'patient';

/** The most bytes that are read or written within the event loop. */
const QUICK_BYTES = 64 * 1024;
const lstatLater: (path: string) => Promise<Stats> = promisify(lstat);

export const openFile: (path: string, flags: string) => Promise<number> = promisify(open);
export const closeFile: (fd: number) => Promise<void> = promisify(close);
export const syncFile: (fd: number) => Promise<void> = promisify(fsync);

/** Frees a file that was only read; it has nothing left to write, so that it cannot block or fail. */
export const closeRead = (fd: number): void => closeSync(fd);
export const statOpen = (fd: number): Stats => fstatSync(fd);

const readSome = (fd: number, target: Uint8Array, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, target, 0, target.length, position, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });

const writeSome = (fd: number, bytes: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, written) => (error ? reject(error) : resolve(written)));
  });

const mkdirLater = promisify(mkdir);
const linkLater = promisify(link);
const renameLater = promisify(rename);
const unlinkLater = promisify(unlink);

/** Creates a file to write; fails when it is there. */
export const createFile = (path: string, patience: Patience): number | Promise<number> =>
  patience === 'quick' ? openSync(path, 'wx') : openFile(path, 'wx');

/** Gives a file a second name; fails when that is taken. */
export const linkFile = (path: string, to: string, patience: Patience): void | Promise<void> =>
  patience === 'quick' ? linkSync(path, to) : linkLater(path, to);

/** Gives a file another name, in place of the file that has it. */
export const moveFile = (path: string, to: string, patience: Patience): void | Promise<void> =>
  patience === 'quick' ? renameSync(path, to) : renameLater(path, to);

/** Makes a folder and those above it that are missing. */
export const makeFolders = (path: string, patience: Patience): unknown =>
  patience === 'quick' ? mkdirSync(path, { recursive: true }) : mkdirLater(path, { recursive: true });

/** Takes away a name of a small file. */
export const unlinkFile = (path: string, patience: Patience): void | Promise<void> =>
  patience === 'quick' ? unlinkSync(path) : unlinkLater(path);

/**
 * Names a file's content. A put makes a new file, with an inode and a time of its own; an inode is used again at the
 * earliest by the next put but one.
 */
export const versionOf = ({ ino, size, mtimeMs }: Stats): string => `${ino}-${size}-${mtimeMs}`;

export const openToRead = (path: string, patience: Patience): number | Promise<number> =>
  patience === 'quick' ? openSync(path, 'r') : openFile(path, 'r');

export const examine = (path: string, patience: Patience): Stats | Promise<Stats> =>
  patience === 'quick' ? lstatSync(path) : lstatLater(path);

/** As {@link readFully}, within the event loop when that is quick. */
export function readWhole(
  fd: number,
  target: Uint8Array,
  position: number,
  patience: Patience,
): number | Promise<number> {
  if (patience === 'patient' || target.length > QUICK_BYTES) return readFully(fd, target, position);
  let filled = 0;
  while (filled < target.length) {
    const bytes = readSync(fd, target, filled, target.length - filled, position + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return filled;
}

/** Fills `target` from `position`; returns the bytes read, fewer only at the end of the file. */
export async function readFully(fd: number, target: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const bytes = await readSome(fd, filled === 0 ? target : target.subarray(filled), position + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return filled;
}

/** As {@link writeFully}, within the event loop when that is quick: the bytes go no further than the page cache. */
export function writeWhole(fd: number, bytes: Uint8Array, patience: Patience): void | Promise<void> {
  if (patience === 'patient' || bytes.length > QUICK_BYTES) return writeFully(fd, bytes);
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
}

/** Closes a file that was written. Network file systems send the bytes, and report a full disk, only now. */
export const closeWritten = (fd: number, patience: Patience): void | Promise<void> =>
  patience === 'quick' ? closeSync(fd) : closeFile(fd);

/** Writes all bytes at the file's end. */
export async function writeFully(fd: number, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const written = await writeSome(fd, rest);
    rest = rest.subarray(written);
  }
}
