/** Who may ask the master what: everything else is refused, logged, and changes nothing. */
import { request } from 'node:http';
import { MemoryStorage, memoryStorageOptionsSchema } from '@splitrock/storage-memory';
import {
  encodeEnvelope,
  silentLogger,
  systemClock,
  type JobRef,
  type LogFields,
  type Logger,
  type Storage,
} from '@splitrock/core/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientToken, hashSecret, newSecret, workerToken } from '../protocol/access-token.ts';
import { BackendKeys } from '../protocol/backend-keys.ts';
import { encodeLogEntry } from '../protocol/job-log.ts';
import { encodeClientRecord, readMasterRecord } from '../protocol/records.ts';
import { MAX_REQUEST_BYTES } from '../protocol/refusals.ts';
import { Master } from './master.ts';

const TENANT = 'team';
const CLIENT = 'abcdefghijkl';
const jobs: readonly JobRef[] = [1, 2].map((jobNumber) => ({ executorId: CLIENT, jobNumber }));
const [mine, others] = jobs as [JobRef, JobRef];
const id = (job: JobRef): string => `${job.executorId}-${job.jobNumber}`;
const keys = new BackendKeys({ tenant: TENANT, pool: 'shared' });

let storage: Storage;
let master: Master;
let address: { readonly ip: string; readonly port: number };
let logged: { readonly message: string; readonly fields: LogFields }[];
const secrets = new Map<string, string>();

beforeEach(async () => {
  logged = [];
  storage = new MemoryStorage(memoryStorageOptionsSchema.parse({}), { logger: silentLogger, clock: systemClock });
  for (const job of jobs) {
    const secret = newSecret();
    secrets.set(id(job), secret);
    const submit = { calls: { from: 0, to: 10 }, attempt: 1, part: { firstCall: 0, calls: 10 } };
    const entry = { atMs: 1, workerTokenHash: hashSecret(secret), submit };
    await storage.put(keys.logEntry(job, CLIENT, 0), encodeLogEntry(entry));
  }
  secrets.set(CLIENT, newSecret());
  const tokenHash = hashSecret(secrets.get(CLIENT) ?? '');
  await storage.put(keys.client(CLIENT), encodeClientRecord({ v: 1, tokenHash }));
  const setup = { pool: 'shared', port: 0, ip: '127.0.0.1', leaseMs: 10_000, maxDeaths: 4, idleMs: 60_000 };
  master = new Master(setup, { workerId: 'master-0', tenant: TENANT, storage, logger: recorder, clock: systemClock });
  await master.start();
  address = (await readMasterRecord(storage, keys.master)) as typeof address;
});
afterEach(() => master.stop());

const recorder: Logger = {
  debug() {},
  info() {},
  warn: (message, fields = {}) => void logged.push({ message, fields }),
  error: (message, fields = {}) => void logged.push({ message, fields }),
  child: () => recorder,
};

const tokenOf = (job: JobRef, secret = secrets.get(id(job)) ?? ''): string => workerToken(id(job), CLIENT, secret);
const who = { v: 1, worker: 'pod-1', session: 'a-session-of-a-worker' };
const join = { ...who, slots: 2, runtime: { nodeVersion: '24.0.0' }, held: [] };
const poll = { ...who, room: 5, received: 0, waitMs: 0 };
const report = { ...who, room: 5, received: 0, report: 0, answers: [['d', 1, 0, 10, 0]], segments: [] };

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly token?: string | undefined;
  readonly body?: Uint8Array;
  readonly header?: unknown;
  /** Bytes that the request says it has. */
  readonly length?: number;
}

function ask({ path = '/v1/worker/join', method = 'POST', token, header = join, body, length }: Asked): Promise<{
  status: number;
  code: string | undefined;
}> {
  const content = body ?? encodeEnvelope('M', header);
  return new Promise((resolve, reject) => {
    const asking = request({
      host: address.ip,
      port: address.port,
      path,
      method,
      headers: {
        ...(length === undefined ? {} : { 'content-length': length }),
        ...(token === undefined ? {} : { 'splitrock-token': token }),
      },
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const code = text.startsWith('{') ? (JSON.parse(text) as { code: string }).code : undefined;
        asking.destroy();
        resolve({ status: response.statusCode ?? 0, code });
      });
    });
    asking.end(content);
  });
}

describe('a request to the master', () => {
  it.each<[string, () => Asked, number, string]>([
    ['without a token', () => ({}), 401, 'MASTER_TOKEN_MISSING'],
    ['with something else for a token', () => ({ token: 'Bearer x' }), 401, 'MASTER_TOKEN_MISSING'],
    ['with a made-up secret', () => ({ token: tokenOf(mine, newSecret()) }), 403, 'MASTER_TOKEN_REFUSED'],
    [
      'with the secret of another job',
      () => ({ token: tokenOf(mine, secrets.get(id(others))) }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'for a job that is not there',
      () => ({ token: tokenOf({ ...mine, jobNumber: 99 }, newSecret()) }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'of a worker for what clients may',
      () => ({ token: tokenOf(mine), path: '/v1/client/hello' }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'of a client for what workers may',
      () => ({ token: clientToken(CLIENT, secrets.get(CLIENT) ?? '') }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'of a client with a made-up secret',
      () => ({ token: clientToken(CLIENT, newSecret()), path: '/v1/client/hello' }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'of a client that nobody knows',
      () => ({ token: clientToken('zzzzzzzzzzzz', newSecret()), path: '/v1/client/hello' }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'for nothing that there is',
      () => ({ token: tokenOf(mine), path: '/v1/worker/shutdown' }),
      404,
      'MASTER_NO_SUCH_REQUEST',
    ],
    [
      'for what every object has',
      () => ({ token: tokenOf(mine), path: '/constructor' }),
      404,
      'MASTER_NO_SUCH_REQUEST',
    ],
    ['by another method', () => ({ token: tokenOf(mine), method: 'PUT' }), 405, 'MASTER_METHOD_REFUSED'],
    ['without an envelope', () => ({ token: tokenOf(mine), body: Buffer.from('{}') }), 400, 'MASTER_REQUEST_INVALID'],
    ['with nothing in it', () => ({ token: tokenOf(mine), body: Buffer.alloc(0) }), 400, 'MASTER_REQUEST_INVALID'],
    [
      'with a field too much',
      () => ({ token: tokenOf(mine), header: { ...join, admin: true } }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with a wrong field',
      () => ({ token: tokenOf(mine), header: { ...join, slots: -1 } }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with a path for a name',
      () => ({ token: tokenOf(mine), header: { ...join, worker: '../../master' } }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with status that is none',
      () => ({
        token: tokenOf(mine),
        path: '/v1/worker/report',
        body: encodeEnvelope('M', { ...report, segments: [3] }, [Buffer.from('abc')]),
      }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    ['that says it is huge', () => ({ token: tokenOf(mine), length: 2 ** 40 }), 413, 'MASTER_REQUEST_TOO_LARGE'],
    [
      'that is huge',
      () => ({ token: tokenOf(mine), body: Buffer.alloc(MAX_REQUEST_BYTES + 1) }),
      413,
      'MASTER_REQUEST_TOO_LARGE',
    ],
  ])('%s is refused and logged, and has no effect', async (_name, asked, status, code) => {
    const before = await ask({ token: tokenOf(others), path: '/v1/worker/poll', header: poll });
    expect(before.code).toBe('MASTER_SESSION_UNKNOWN');
    expect(await ask(asked())).toEqual({ status, code });
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ message: 'a request was refused', fields: { code } });
    for (const secret of secrets.values()) expect(JSON.stringify(logged)).not.toContain(secret);
    // Neither job has a worker, and all its calls still wait.
    expect((await ask({ token: tokenOf(mine), path: '/v1/worker/poll', header: poll })).code).toBe(
      'MASTER_SESSION_UNKNOWN',
    );
    expect(await open()).toEqual([
      [1, 0, 10],
      [1, 0, 10],
    ]);
  });

  it('of a worker for calls of its job cannot end those of another', async () => {
    expect((await ask({ token: tokenOf(mine) })).status).toBe(200);
    expect((await ask({ token: tokenOf(mine), path: '/v1/worker/poll', header: { ...poll, room: 10 } })).status).toBe(
      200,
    );
    expect((await ask({ token: tokenOf(mine), path: '/v1/worker/report', header: report })).status).toBe(200);
    expect((await ask({ token: tokenOf(others), path: '/v1/worker/report', header: report })).code).toBe(
      'MASTER_SESSION_UNKNOWN',
    );
    expect(await open()).toEqual([[1, 0, 10]]);
  });

  it('leaves no secret in storage', async () => {
    const all: string[] = [];
    for await (const { key } of storage.list('')) all.push(key, Buffer.from(await storage.get(key)).toString('latin1'));
    for (const secret of secrets.values()) expect(all.join('\n')).not.toContain(secret);
  });
});

/** Calls that are open, of both jobs, as another master reads them. */
async function open(): Promise<readonly unknown[]> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const token = clientToken(CLIENT, secrets.get(CLIENT) ?? '');
    const asking = request({
      host: address.ip,
      port: address.port,
      path: '/v1/client/hello',
      method: 'POST',
      headers: { 'splitrock-token': token },
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
    });
    asking.end(encodeEnvelope('M', { v: 1, jobs: jobs.map((job) => [id(job), 1]) }));
  });
  const header = JSON.parse(answer.subarray(12).toString('utf8')) as { jobs: { open: unknown[] }[] };
  return header.jobs.flatMap((job) => job.open);
}
