/**
 * Brings local files to workers that do not share this machine's disk: into the job's own folder in storage, from where
 * they are removed with the job.
 */
import type { JobRef } from '../contracts/calls.ts';
import type { Logger } from '../contracts/logger.ts';
import { basename } from 'node:path';
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import type { Storage } from '../contracts/storage.ts';
import { jobObjectsPrefix } from '../wire/storage-keys.ts';
import { objectReplaced } from './data-set-errors.ts';
import { LocalFile } from './local-files.ts';
import type { PlannedObject } from './planned-object.ts';

export interface FileUpload {
  readonly storage: Storage;
  readonly job: JobRef;
  readonly maxBytes: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Files that are sent at a time; large ones go in parallel parts besides, where the storage has parts. */
const PARALLEL_FILES = 4;
/** Uploads are told of from this size on. */
const LARGE_BYTES = 16 * 1024 * 1024;

type FileObject = PlannedObject & { readonly address: { readonly kind: 'file' }; readonly size: number };
const isFile = (object: PlannedObject): object is FileObject => object.address.kind === 'file';

/**
 * The same objects, with copies in the place of files.
 * @throws InvalidArgumentError when there is more to send than is allowed; nothing was sent then.
 * @throws DataSetError `DATASET_CHANGED` when a file is written to meanwhile; what the storage throws.
 */
export async function uploadFiles(
  objects: readonly PlannedObject[],
  upload: FileUpload,
): Promise<readonly PlannedObject[]> {
  const bytes = objects.filter(isFile).reduce((sum, { size }) => sum + size, 0);
  if (bytes > upload.maxBytes) throw tooMuch(bytes, upload.maxBytes);
  if (bytes >= LARGE_BYTES) upload.logger.info('Local files are uploaded for the workers', { bytes });
  const copies = [...objects];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < objects.length) {
      const index = next;
      next += 1;
      const object = objects[index] as PlannedObject;
      if (isFile(object)) copies[index] = await uploadOne(object, index, upload);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FILES }, work));
  if (bytes >= LARGE_BYTES) upload.logger.info('Local files have been uploaded', { bytes });
  return copies;
}

async function uploadOne(
  object: FileObject,
  index: number,
  { storage, job, signal }: FileUpload,
): Promise<PlannedObject> {
  const { path } = object.address;
  const version = object.version ?? '';
  // Names of files may have any characters and any length; keys need not.
  const name = encodeURIComponent(basename(path)).slice(-100);
  const key = `${jobObjectsPrefix(job)}data/${String(index).padStart(6, '0')}-${name}`;
  await storage.put(key, new LocalFile(path, version).read(0, object.size, signal), { signal });
  const info = await storage.head(key, { signal });
  if (info?.size !== object.size) throw objectReplaced(path, 'its copy has another size');
  return { ...object, address: { kind: 'key', key, file: path }, version: info.version };
}

const tooMuch = (bytes: number, maxBytes: number): InvalidArgumentError =>
  new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `The local files of a data set are too large to be sent along with the job [bytes=${bytes}, maxUploadBytes=${maxBytes}]; ` +
      'put them into storage once (splitrock storage put) and name their keys, or raise maxUploadBytes.',
    { details: { bytes, maxUploadBytes: maxBytes } },
  );
