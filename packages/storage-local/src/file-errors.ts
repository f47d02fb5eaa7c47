/** Errors of the file system as storage errors. */
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StorageError, type ErrorCode } from '@splitrock/core/plugin';

interface Meaning {
  readonly code: ErrorCode;
  readonly advice: string;
  readonly retryable?: boolean;
}

const NO_SPACE: Meaning = { code: 'STORAGE_NO_SPACE', advice: 'free some space or choose another directory' };
const DENIED: Meaning = {
  code: 'STORAGE_ACCESS_DENIED',
  advice: 'check the owner and the permissions of the directory',
};
const TOO_MANY_FILES: Meaning = {
  code: 'STORAGE_UNAVAILABLE',
  advice: 'too many files are open; raise the limit (ulimit -n) or do less at once',
  retryable: true,
};
const OTHER: Meaning = { code: 'STORAGE_UNAVAILABLE', advice: 'check the disk and the directory' };

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: { code: 'STORAGE_ACCESS_DENIED', advice: 'the file system is read-only; choose another directory' },
  ENAMETOOLONG: { code: 'STORAGE_INVALID_KEY', advice: 'use a shorter key or a directory with a shorter path' },
  EFBIG: { code: 'STORAGE_OBJECT_TOO_LARGE', advice: 'the file system allows no file of this size' },
  EMFILE: TOO_MANY_FILES,
  ENFILE: TOO_MANY_FILES,
};

/** The `code` of a Node system error, or `undefined`. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/**
 * What a system error says, or what it hides: Node's recursive `mkdir` tells ENOENT of a file system that is read-only
 * (https://github.com/nodejs/node/issues/47098). The nearest folder that is there tells why nothing can be made in it.
 */
function trueErrnoOf(error: unknown): string | undefined {
  const errno = errnoOf(error);
  const { syscall, path } = error as { readonly syscall?: unknown; readonly path?: unknown };
  if (errno !== 'ENOENT' || syscall !== 'mkdir' || typeof path !== 'string') return errno;
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    try {
      accessSync(folder, constants.W_OK);
      return errno;
    } catch (reason) {
      if (errnoOf(reason) !== 'ENOENT' || folder === dirname(folder)) return errnoOf(reason);
    }
  }
}

/** What `operation` on `key` failed with, as a storage error; errors that are not the file system's stay as they are. */
export function toStorageError(error: unknown, operation: string, key: string, directory: string): unknown {
  const errno = trueErrnoOf(error);
  if (errno === undefined || !(error instanceof Error && 'syscall' in error)) return error;
  const { code, advice, retryable = false } = MEANINGS[errno] ?? OTHER;
  return new StorageError(
    code,
    `Local storage could not ${operation} [key=${key}, directory=${directory}, error=${errno}]; ${advice}.`,
    { cause: error, retryable, details: { key, errno } },
  );
}

export const notFound = (key: string, directory: string): StorageError =>
  new StorageError(
    'STORAGE_OBJECT_NOT_FOUND',
    `Local storage has no such object [key=${key}, directory=${directory}]; check the key and the directory.`,
    { details: { key } },
  );
