/** S3's errors as storage errors; https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
import { StorageError, type ErrorCode } from '@splitrock/core/plugin';

interface Meaning {
  readonly code: ErrorCode;
  readonly advice: string;
  readonly retryable?: boolean;
}

const DENIED: Meaning = {
  code: 'STORAGE_ACCESS_DENIED',
  advice: 'check the credentials and what they may do with this bucket',
};
const NO_SPACE: Meaning = {
  code: 'STORAGE_NO_SPACE',
  advice: 'the store or the quota is full; remove objects or raise it',
};
const TOO_LARGE: Meaning = { code: 'STORAGE_OBJECT_TOO_LARGE', advice: 'split the object' };
const UNAVAILABLE: Meaning = {
  code: 'STORAGE_UNAVAILABLE',
  advice: 'check that the store runs and can be reached',
  retryable: true,
};

const BY_NAME: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: {
    code: 'STORAGE_UNAVAILABLE',
    advice: 'the bucket does not exist; create it or correct the option bucket',
  },
  RequestTimeTooSkewed: { ...DENIED, advice: 'the clock of this machine is wrong; set it' },
  ExpiredToken: { ...DENIED, advice: 'the credentials have expired; get new ones' },
  CredentialsProviderError: { ...DENIED, advice: 'no credentials were found; give accessKeyId and secretAccessKey' },
  KeyTooLongError: { code: 'STORAGE_INVALID_KEY', advice: 'use a shorter key' },
  EntityTooLarge: TOO_LARGE,
  QuotaExceeded: NO_SPACE,
  InsufficientStorage: NO_SPACE,
  InsufficientCapacity: NO_SPACE,
  XMinioStorageFull: NO_SPACE,
  PermanentRedirect: {
    code: 'STORAGE_UNAVAILABLE',
    advice: 'the bucket is in another region; correct the option region',
  },
  AuthorizationHeaderMalformed: { ...DENIED, advice: 'the bucket is in another region; correct the option region' },
};

const BY_STATUS: Readonly<Record<number, Meaning>> = { 401: DENIED, 403: DENIED, 413: TOO_LARGE, 507: NO_SPACE };

/** Status of the answer; `undefined` when there was none. */
export const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

const meaningOf = (name: string, status: number | undefined): Meaning => {
  const known = BY_NAME[name] ?? BY_STATUS[status ?? 0];
  if (known !== undefined) return known;
  if (status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return { code: 'STORAGE_UNAVAILABLE', advice: 'the store refused the request; see the error’s cause' };
  }
  return UNAVAILABLE;
};

/** Whether the store was away, busy or failing, so that the same request may succeed later. */
export const isTransient = (error: unknown): boolean => meaningOf(nameOf(error), statusOf(error)).retryable === true;

export interface S3Failure {
  /** What was tried: `write`, `list`. */
  readonly operation: string;
  readonly key: string | undefined;
  readonly bucket: string;
  readonly endpoint: string;
}

/** An error of the SDK, or an entry of an answer that tells of one key, as a storage error. */
export function toStorageError(error: unknown, { operation, key, bucket, endpoint }: S3Failure): StorageError {
  const status = statusOf(error);
  const name = nameOf(error);
  const { code, advice, retryable = false } = meaningOf(name, status);
  const facts = [
    ...(key === undefined ? [] : [`key=${key}`]),
    `bucket=${bucket}`,
    `endpoint=${endpoint}`,
    `error=${name}`,
  ];
  if (status !== undefined) facts.push(`status=${status}`);
  // Network errors say what they are in their message; answers of a store may repeat a signature in theirs.
  if (status === undefined && error instanceof Error) facts.push(`reason=${error.message}`);
  return new StorageError(code, `S3 storage could not ${operation} [${facts.join(', ')}]; ${advice}.`, {
    cause: error,
    retryable,
    details: {
      ...(key === undefined ? {} : { key }),
      bucket,
      error: name,
      ...(status === undefined ? {} : { status }),
    },
  });
}

export const notFound = (key: string, bucket: string): StorageError =>
  new StorageError(
    'STORAGE_OBJECT_NOT_FOUND',
    `S3 storage has no such object [key=${key}, bucket=${bucket}]; check the key and the option prefix.`,
    { details: { key } },
  );
