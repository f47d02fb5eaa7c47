/** Deletes many objects with as few requests as S3 allows. */
import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import type { DeleteFailure } from '@splitrock/core/plugin';
import type { S3Connection } from './s3-connection.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export const DELETE_BATCH = 1_000;

/** Characters that XML 1.0, the format of such a request, cannot hold in any way. */
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

export async function deleteBatch(
  connection: S3Connection,
  keys: readonly string[],
  toS3Key: (key: string) => string,
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  const byS3Key = new Map(keys.map((key) => [toS3Key(key), key]));
  const names = [...byS3Key.keys()];
  const failures = await Promise.all([
    deleteTogether(
      connection,
      byS3Key,
      names.filter((name) => !NOT_XML.test(name)),
      signal,
    ),
    ...names
      .filter((name) => NOT_XML.test(name))
      .map((name) => deleteAlone(connection, byS3Key.get(name) ?? name, name, signal)),
  ]);
  return failures.flat();
}

async function deleteTogether(
  connection: S3Connection,
  byS3Key: ReadonlyMap<string, string>,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  if (names.length === 0) return [];
  const request = { operation: 'delete', signal };
  const command = new DeleteObjectsCommand({
    Bucket: connection.bucket,
    Delete: { Quiet: true, Objects: names.map((Key) => ({ Key })) },
  });
  try {
    const { Errors = [] } = await connection.run(request, (abortSignal) =>
      connection.client.send(command, { abortSignal }),
    );
    return Errors.filter(({ Code }) => Code !== 'NoSuchKey').map(({ Key = '', Code = 'Unknown', Message = '' }) => {
      const key = byS3Key.get(Key) ?? Key;
      const status = Code === 'AccessDenied' ? 403 : 500;
      const cause = Object.assign(new Error(Message), { name: Code, $metadata: { httpStatusCode: status } });
      return { key, error: connection.explain(cause, { ...request, key }) };
    });
  } catch (error) {
    signal?.throwIfAborted();
    return names.map((name) => ({ key: byS3Key.get(name) ?? name, error }));
  }
}

async function deleteAlone(
  connection: S3Connection,
  key: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<DeleteFailure[]> {
  try {
    await deleteOne(connection, key, name, signal);
    return [];
  } catch (error) {
    return [{ key, error }];
  }
}

export async function deleteOne(
  connection: S3Connection,
  key: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await connection.find({ operation: 'delete', key, signal }, (abortSignal) =>
    connection.client.send(new DeleteObjectCommand({ Bucket: connection.bucket, Key: name }), { abortSignal }),
  );
}
