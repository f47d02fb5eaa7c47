/**
 * Links that carry their own permission: an S3 request, signed in its query.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';

type HttpRequest = Parameters<SignatureV4['presign']>[0];

export interface PresignRequest {
  readonly bucket: string;
  readonly key: string;
  readonly method: 'GET' | 'PUT';
  /** S3 counts in seconds, from 1 to a week. */
  readonly expiresInSeconds: number;
}

export async function presignUrl(client: S3Client, request: PresignRequest): Promise<string> {
  const unsigned = await buildRequest(client, request);
  const { credentials, region, sha256 } = client.config;
  const signer = new SignatureV4({ credentials, region, sha256, service: 's3', uriEscapePath: false });
  const signed = await signer.presign(unsigned, {
    expiresIn: request.expiresInSeconds,
    // Holders of the link send what headers they like; only the host is theirs to keep.
    unsignableHeaders: new Set(Object.keys(unsigned.headers).filter((name) => name.toLowerCase() !== 'host')),
    unhoistableHeaders: new Set(),
  });
  return toUrl(signed);
}

/** The request as the client would send it, so that host and path follow its options; nothing is sent. */
async function buildRequest(client: S3Client, { bucket, key, method }: PresignRequest): Promise<HttpRequest> {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  let built: HttpRequest | undefined;
  command.middlewareStack.add(
    () => async (args) => {
      built = args.request as HttpRequest;
      return { output: { $metadata: {} }, response: undefined };
    },
    { step: 'build', priority: 'low', name: 'splitrockTakeRequest' },
  );
  await client.send(command);
  if (built === undefined) throw new Error('the SDK built no request');
  const host = built.port === undefined ? built.hostname : `${built.hostname}:${built.port}`;
  const headers = { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  return { ...built, method, body: undefined, query: {}, headers };
}

function toUrl({ protocol, hostname, port, path, query = {} }: HttpRequest): string {
  const parameters = Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .join('&');
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}?${parameters}`;
}
