/** Who may ask the master what: everything else is refused, logged, and changes nothing. */
import { request } from 'node:http';
import { encodeEnvelope, formatJobId, type JobRef, type LogFields, type Logger } from '@splitrock/core/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoneMaster } from '../../test/lone-master.ts';
import { newSecret } from '../protocol/access-token.ts';
import { helloAnswer } from '../protocol/client-messages.ts';
import { MAX_REQUEST_BYTES } from '../protocol/refusals.ts';

let master: LoneMaster;
let mine: JobRef;
let others: JobRef;
let logged: { readonly message: string; readonly fields: LogFields }[];

beforeEach(async () => {
  logged = [];
  master = await LoneMaster.start(recorder);
  [mine, others] = master.jobs;
});
afterEach(() => master.stop());

const recorder: Logger = {
  debug() {},
  info() {},
  warn: (message, fields = {}) => void logged.push({ message, fields }),
  error: (message, fields = {}) => void logged.push({ message, fields }),
  child: () => recorder,
};

const who = { v: 1, worker: 'pod-1', session: 'a-session-of-a-worker' };
const join = { ...who, slots: 2, runtime: { nodeVersion: '24.0.0' }, held: [] };
const poll = { ...who, turn: 1, room: 5, received: 0, waitMs: 0 };
const report = { ...who, turn: 2, room: 5, received: 0, report: 0, answers: [['d', 1, 0, 10, 0]], segments: [] };

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
      host: master.record.ip,
      port: master.record.port,
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
    ['with a made-up secret', () => ({ token: master.workerToken(mine, newSecret()) }), 403, 'MASTER_TOKEN_REFUSED'],
    [
      'with the secret of another job',
      () => ({ token: master.workerToken(mine, master.secrets.get(formatJobId(others))) }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'for a job that is not there',
      () => ({ token: master.workerToken({ ...mine, jobNumber: 99 }, newSecret()) }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'of a worker for what clients may',
      () => ({ token: master.workerToken(mine), path: '/v1/client/hello' }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    ['of a client for what workers may', () => ({ token: master.clientToken() }), 403, 'MASTER_TOKEN_REFUSED'],
    [
      'of a client with a made-up secret',
      () => ({ token: master.clientToken(undefined, newSecret()), path: '/v1/client/hello' }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'of a client that nobody knows',
      () => ({ token: master.clientToken('zzzzzzzzzzzz', newSecret()), path: '/v1/client/hello' }),
      403,
      'MASTER_TOKEN_REFUSED',
    ],
    [
      'for nothing that there is',
      () => ({ token: master.workerToken(mine), path: '/v1/worker/shutdown' }),
      404,
      'MASTER_NO_SUCH_REQUEST',
    ],
    [
      'for what every object has',
      () => ({ token: master.workerToken(mine), path: '/constructor' }),
      404,
      'MASTER_NO_SUCH_REQUEST',
    ],
    ['by another method', () => ({ token: master.workerToken(mine), method: 'PUT' }), 405, 'MASTER_METHOD_REFUSED'],
    [
      'without an envelope',
      () => ({ token: master.workerToken(mine), body: Buffer.from('{}') }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with nothing in it',
      () => ({ token: master.workerToken(mine), body: Buffer.alloc(0) }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with a field too much',
      () => ({ token: master.workerToken(mine), header: { ...join, admin: true } }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with a wrong field',
      () => ({ token: master.workerToken(mine), header: { ...join, slots: -1 } }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with a path for a name',
      () => ({ token: master.workerToken(mine), header: { ...join, worker: '../../master' } }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'with status that is none',
      () => ({
        token: master.workerToken(mine),
        path: '/v1/worker/report',
        body: encodeEnvelope('M', { ...report, segments: [3] }, [Buffer.from('abc')]),
      }),
      400,
      'MASTER_REQUEST_INVALID',
    ],
    [
      'that says it is huge',
      () => ({ token: master.workerToken(mine), length: 2 ** 40 }),
      413,
      'MASTER_REQUEST_TOO_LARGE',
    ],
    [
      'that is huge',
      () => ({ token: master.workerToken(mine), body: Buffer.alloc(MAX_REQUEST_BYTES + 1) }),
      413,
      'MASTER_REQUEST_TOO_LARGE',
    ],
  ])('%s is refused and logged, and has no effect', async (_name, asked, status, code) => {
    const before = await ask({ token: master.workerToken(others), path: '/v1/worker/poll', header: poll });
    expect(before.code).toBe('MASTER_SESSION_UNKNOWN');
    expect(await ask(asked())).toEqual({ status, code });
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ message: 'a request was refused', fields: { code } });
    for (const secret of master.secrets.values()) expect(JSON.stringify(logged)).not.toContain(secret);
    // Neither job has a worker, and all its calls still wait.
    expect((await ask({ token: master.workerToken(mine), path: '/v1/worker/poll', header: poll })).code).toBe(
      'MASTER_SESSION_UNKNOWN',
    );
    expect(await open()).toEqual([
      [1, 0, 10],
      [1, 0, 10],
    ]);
  });

  it('of a worker for calls of its job cannot end those of another', async () => {
    expect((await ask({ token: master.workerToken(mine) })).status).toBe(200);
    expect(
      (await ask({ token: master.workerToken(mine), path: '/v1/worker/poll', header: { ...poll, room: 10 } })).status,
    ).toBe(200);
    expect((await ask({ token: master.workerToken(mine), path: '/v1/worker/report', header: report })).status).toBe(
      200,
    );
    expect((await ask({ token: master.workerToken(others), path: '/v1/worker/report', header: report })).code).toBe(
      'MASTER_SESSION_UNKNOWN',
    );
    expect(await open()).toEqual([[1, 0, 10]]);
  });

  it('leaves no secret in storage', async () => {
    const all: string[] = [];
    for await (const { key } of master.storage.list(''))
      all.push(key, Buffer.from(await master.storage.get(key)).toString('latin1'));
    for (const secret of master.secrets.values()) expect(all.join('\n')).not.toContain(secret);
  });
});

/** Calls that are open, of both jobs. */
async function open(): Promise<readonly unknown[]> {
  const header = { v: 1, jobs: master.jobs.map((job) => [formatJobId(job), 1]) };
  const answer = await master.ask(master.clientToken(), { path: '/v1/client/hello', header, answer: helloAnswer });
  return answer.header.jobs.flatMap((job) => job.open);
}
