/** What every storage throws when the version that was asked for is not there any more. */
import { StorageError } from '../errors/splitrock-error.ts';

/** `STORAGE_OBJECT_CHANGED`, the same words for all stores. */
export const objectChanged = (storage: string, key: string): StorageError =>
  new StorageError(
    'STORAGE_OBJECT_CHANGED',
    `An object was replaced or deleted while it was read, or since it was looked at [storage=${storage}, key=${key}]; read it again.`,
    { retryable: true, details: { key } },
  );
