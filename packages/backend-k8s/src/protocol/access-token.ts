/**
 * What lets a worker or a client in at the master: `worker.<jobId>.<clientId>.<secret>`, for that job alone, or
 * `client.<clientId>.<secret>`. The master knows the secret's hash, from storage.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { parseJobId, type JobRef } from '@splitrock/core/plugin';

export const TOKEN_HEADER = 'splitrock-token';

export type AccessToken =
  | { readonly role: 'worker'; readonly job: JobRef; readonly clientId: string; readonly secret: string }
  | { readonly role: 'client'; readonly clientId: string; readonly secret: string };

const TOKEN = /^(?:worker\.([a-z0-9]{12}-[0-9]{1,9})|client)\.([a-z0-9]{12})\.([A-Za-z0-9_-]{43})$/;

export const newSecret = (): string => randomBytes(32).toString('base64url');

/** Of a secret that nobody can guess, so a plain hash does. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export const workerToken = (jobId: string, clientId: string, secret: string): string =>
  `worker.${jobId}.${clientId}.${secret}`;

export const clientToken = (clientId: string, secret: string): string => `client.${clientId}.${secret}`;

export function parseToken(text: string): AccessToken | undefined {
  const [, jobId, clientId = '', secret = ''] = TOKEN.exec(text) ?? [];
  if (secret === '') return undefined;
  if (jobId === undefined) return { role: 'client', clientId, secret };
  const job = parseJobId(jobId);
  return job === undefined ? undefined : { role: 'worker', job, clientId, secret };
}

/** In a time that does not tell how much of it is right. */
export function isSecretOf(hash: string, secret: string): boolean {
  const expected = Buffer.from(hash, 'hex');
  const shown = createHash('sha256').update(secret).digest();
  return expected.length === shown.length && timingSafeEqual(expected, shown);
}
