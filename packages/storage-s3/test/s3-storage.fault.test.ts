import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketLifecycleConfigurationCommand,
  ListMultipartUploadsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isSplitrockError, silentLogger, systemClock } from '@splitrock/core/plugin';
import { startGateway } from '@splitrock/services';
import { testService } from '@splitrock/services/vitest';
import { ExpiringS3Storage, S3Storage, s3StorageOptionsSchema } from '@splitrock/storage-s3';
import { TcpProxy } from './tcp-proxy.ts';

const s3 = await testService('s3');
const endpoint = s3.variable('SPLITROCK_TEST_S3_ENDPOINT');
const cephConfig = s3.variable('SPLITROCK_TEST_CEPH_CONFIG');
const credentials = {
  accessKeyId: s3.variable('SPLITROCK_TEST_S3_ACCESS_KEY_ID'),
  secretAccessKey: s3.variable('SPLITROCK_TEST_S3_SECRET_ACCESS_KEY'),
};
const MIB = 1024 * 1024;
/** For what should happen soon, on a busy machine. */
const PATIENCE = { timeout: 60_000 };
const FAULT_TEST_MS = 120_000;
const run = promisify(execFile);

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );

describe.skipIf(!s3.available)('an S3 store in trouble', { timeout: FAULT_TEST_MS }, () => {
  const bucket = `test-${randomUUID()}`;
  const opened: S3Storage[] = [];
  let client: S3Client;

  const storage = (options: object = {}): S3Storage => {
    const parsed = s3StorageOptionsSchema.parse({ endpoint, bucket, ...credentials, partBytes: 5 * MIB, ...options });
    const created = new S3Storage(parsed, { clock: systemClock, logger: silentLogger });
    opened.push(created);
    return created;
  };

  beforeAll(async () => {
    client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { ...credentials } });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });

  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  afterAll(async () => {
    const cleaner = storage();
    await cleaner.deleteMany(
      (async function* () {
        for await (const { key } of cleaner.list('')) yield key;
      })(),
    );
    await cleaner.close();
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    client.destroy();
  });

  it('a wrong secret is STORAGE_ACCESS_DENIED at once, and no message tells a secret', async () => {
    for (const wrong of [{ secretAccessKey: 'a-very-wrong-secret' }, { accessKeyId: 'nobody-known' }]) {
      const denied = storage(wrong);
      const list = denied.list('')[Symbol.asyncIterator]();
      const attempts = [denied.put('a', new Uint8Array(1)), denied.get('a'), denied.head('a'), denied.delete('a')];
      attempts.push(list.next() as never, denied.deleteMany(['a']), denied.put('a', new Uint8Array(6 * MIB)));
      for (const error of await Promise.all(attempts.map(failureOf))) {
        expect(isSplitrockError(error, 'STORAGE_ACCESS_DENIED'), String(error)).toBe(true);
        expect(`${String(error)} ${JSON.stringify(error)}`).not.toMatch(/a-very-wrong-secret|splitrock-secret/);
      }
    }
  });

  it('a missing bucket is told as such by every operation', async () => {
    const homeless = storage({ bucket: 'no-such-bucket-here' });
    const attempts = [
      homeless.put('a', new Uint8Array(1)),
      homeless.get('a'),
      homeless.head('a'),
      homeless.delete('a'),
    ];
    attempts.push(homeless.put('a', new Uint8Array(1), { ifAbsent: true }), homeless.put('a', new Uint8Array(6 * MIB)));
    attempts.push(homeless.list('')[Symbol.asyncIterator]().next() as never, homeless.deleteMany(['a']));
    for (const error of await Promise.all(attempts.map(failureOf))) {
      expect(isSplitrockError(error, 'STORAGE_UNAVAILABLE'), String(error)).toBe(true);
      expect((error as Error).message).toContain('the bucket does not exist');
      expect(error).toMatchObject({ retryable: false });
    }
  });

  it('a store that is not there fails as retryable when retryForMs is over', async () => {
    const lonely = storage({ endpoint: 'http://127.0.0.1:9', retryForMs: 200 });
    for (const error of await Promise.all([lonely.get('a'), lonely.put('a', new Uint8Array(1))].map(failureOf))) {
      expect(isSplitrockError(error, 'STORAGE_UNAVAILABLE'), String(error)).toBe(true);
      expect(error).toMatchObject({ retryable: true });
      expect((error as Error).message).toContain('ECONNREFUSED');
    }
  });

  it('a download whose connection breaks goes on where it was', async () => {
    const bytes = new Uint8Array(8 * MIB).map((_, index) => (index * 31) >> 8);
    await storage().put('download', bytes);
    const proxy = await TcpProxy.to(endpoint);
    const through = storage({ endpoint: proxy.endpoint });
    proxy.cutAnswers(2 * MIB, 3);
    const chunks: Uint8Array[] = [];
    for await (const chunk of through.getStream('download')) chunks.push(chunk.slice());
    expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
    expect(proxy.cuts).toBe(3);
    proxy.cutAnswers(MIB, 2);
    const part = await through.get('download', { range: { offset: 1_000_000, length: 5_000_000 } });
    expect(Buffer.compare(part, bytes.subarray(1_000_000, 6_000_000))).toBe(0);
    expect(proxy.cuts).toBe(5);
    await through.close();
    await proxy.close();
  });

  it('a download whose connection breaks does not mix two objects', async () => {
    const writer = storage();
    await writer.put('mixed', new Uint8Array(8 * MIB).fill(1));
    const proxy = await TcpProxy.to(endpoint);
    const through = storage({ endpoint: proxy.endpoint });
    proxy.cutAnswers(2 * MIB, 1);
    const iterator = through.getStream('mixed')[Symbol.asyncIterator]();
    await iterator.next();
    await writer.put('mixed', new Uint8Array(8 * MIB).fill(2));
    const drained = (async () => {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        expect(next.value.every((byte) => byte === 1)).toBe(true);
      }
    })();
    expect(isSplitrockError(await failureOf(drained), 'STORAGE_OBJECT_CHANGED')).toBe(true);
    expect(proxy.cuts).toBe(1);
    await through.close();
    await proxy.close();
  });

  it('an ifAbsent put whose answer is lost still counts as the creator', async () => {
    const proxy = await TcpProxy.to(endpoint);
    const through = storage({ endpoint: proxy.endpoint });
    for (const body of [new Uint8Array(1_000), stream(6 * MIB)]) {
      const key = `once-${body instanceof Uint8Array ? 'bytes' : 'stream'}`;
      proxy.cutAnswers(1, 1);
      expect(await through.put(key, body, { ifAbsent: true })).toEqual({ created: true });
      expect(await through.put(key, new Uint8Array(1), { ifAbsent: true })).toEqual({ created: false });
    }
    expect(proxy.cuts).toBe(2);
    await through.close();
    await proxy.close();
  });

  it('a put that fails leaves no parts behind', async () => {
    const failure = new Error('the source broke');
    const body = (async function* () {
      yield* stream(12 * MIB);
      throw failure;
    })();
    expect(await failureOf(storage().put('parts', body))).toBe(failure);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads).toEqual([]);
  });

  it('a put that is aborted leaves no parts behind', async () => {
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    const body = (async function* () {
      yield* stream(12 * MIB);
      controller.abort(reason);
      yield* stream(12 * MIB);
    })();
    expect(await failureOf(storage().put('parts', body, { signal: controller.signal }))).toBe(reason);
    const uploads = async (): Promise<unknown[]> =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];
    // The abort settles the put at once; the parts are removed behind it.
    await expect.poll(uploads, PATIENCE).toEqual([]);
  });

  it('objects that may not be deleted are named, and the others are deleted', async () => {
    const writer = storage();
    const keys = ['free/1', 'protected/1', 'free/2', 'protected/2', 'protected/\u0001', 'protected/a&b\r\n<c>'];
    for (const key of keys) await writer.put(key, new Uint8Array(1));
    const statement = { Effect: 'Deny', Principal: '*', Action: 's3:DeleteObject' };
    const Statement = [{ ...statement, Resource: `arn:aws:s3:::${bucket}/protected/*` }];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    try {
      const error = await failureOf(writer.deleteMany(keys));
      expect(isSplitrockError(error, 'STORAGE_ACCESS_DENIED'), String(error)).toBe(true);
      const { failures } = (error as { details: { failures: { key: string; code: string }[] } }).details;
      expect(failures.map(({ key }) => key).toSorted()).toEqual(
        keys.filter((key) => key.startsWith('protected/')).toSorted(),
      );
      expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['STORAGE_ACCESS_DENIED']));
      expect(isSplitrockError(await failureOf(writer.delete('protected/1')), 'STORAGE_ACCESS_DENIED')).toBe(true);
      expect(await writer.head('free/1')).toBeUndefined();
      expect(await writer.head('protected/1')).toBeDefined();
    } finally {
      await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
    }
  });

  it('lifecycle rules: one for each prefix, of ours those that are over go, of others none', async () => {
    const Bucket = bucket;
    const old = {
      ID: 'splitrock-expire-old',
      Expiration: { Date: new Date('2020-01-01') },
      Filter: { Prefix: 'old/' },
    };
    const theirs = { ID: 'their-rule', Expiration: { Days: 30 }, Filter: { Prefix: 'theirs/' } };
    const Rules = [old, theirs].map((rule) => ({ ...rule, Status: 'Enabled' as const }));
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    const given = { endpoint, bucket, ...credentials, prefix: 'tenant/', lifecycleRules: true };
    const deps = { clock: systemClock, logger: silentLogger };
    const expiring = new ExpiringS3Storage(s3StorageOptionsSchema.parse(given), deps);
    opened.push(expiring);
    const DAY_MS = 24 * 60 * 60 * 1000;
    await expiring.expire('jobs/a/', 10 * DAY_MS);
    await expiring.expire('jobs/b/', DAY_MS);
    await expiring.expire('jobs/a/', 2 * DAY_MS);
    const answer = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    const dates = new Map(
      (answer.Rules ?? []).map(({ Filter, Expiration }) => [Filter?.Prefix, Expiration?.Date?.getTime()]),
    );
    expect(new Set(dates.keys())).toEqual(new Set(['tenant/jobs/a/', 'tenant/jobs/b/', 'theirs/']));
    for (const [prefix, days] of [
      ['tenant/jobs/a/', 2],
      ['tenant/jobs/b/', 1],
    ] as const) {
      const date = dates.get(prefix) ?? 0;
      expect(date % DAY_MS).toBe(0);
      expect(date).toBeGreaterThanOrEqual(Date.now() + (days - 0.1) * DAY_MS);
      expect(date).toBeLessThanOrEqual(Date.now() + (days + 1) * DAY_MS);
    }
  });

  it.skipIf(cephConfig === '')('a bucket that is full: STORAGE_NO_SPACE, nothing torn, and no parts left', async () => {
    const quota = (...args: string[]): Promise<unknown> =>
      run('radosgw-admin', ['-c', cephConfig, 'quota', ...args, '--quota-scope=bucket', `--bucket=${bucket}`]);
    const full = storage();
    await full.put('kept', new Uint8Array(10));
    await quota('set', `--max-size=${MIB}`);
    await quota('enable');
    try {
      const noSpace = { code: 'STORAGE_NO_SPACE', message: expect.stringContaining('quota') };
      expect(await failureOf(full.put('kept', new Uint8Array(3 * MIB)))).toMatchObject(noSpace);
      expect(await failureOf(full.put('kept', stream(12 * MIB)))).toMatchObject(noSpace);
      expect(await full.get('kept')).toEqual(new Uint8Array(10));
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: 'kept' }));
      expect(Uploads).toEqual([]);
    } finally {
      await quota('disable');
    }
    await full.put('kept', new Uint8Array(3 * MIB));
    expect((await full.head('kept'))?.size).toBe(3 * MIB);
  });

  it.skipIf(cephConfig === '')(
    'a gateway that is killed in mid-upload and comes back: the upload ends well, nothing is torn',
    async () => {
      let gateway = await startGateway({ config: cephConfig });
      const port = Number(new URL(gateway.endpoint).port);
      const through = storage({ endpoint: gateway.endpoint, retryForMs: 60_000 });
      const direct = storage();
      const old = new Uint8Array(1_000).fill(1);
      await direct.put('upload', old);
      const bytes = new Uint8Array(21 * MIB).map((_, index) => (index * 17) >> 8);
      let killed = false;
      const body = (async function* () {
        for (let offset = 0; offset < bytes.length; offset += MIB) {
          if (offset === 12 * MIB) {
            gateway.signal('SIGKILL');
            await gateway.exited;
            killed = true;
          }
          yield bytes.subarray(offset, offset + MIB);
        }
      })();
      try {
        const put = through.put('upload', body);
        await expect.poll(() => killed, PATIENCE).toBe(true);
        expect(Buffer.compare(await direct.get('upload'), old)).toBe(0);
        gateway = await startGateway({ config: cephConfig, port });
        await put;
        expect(Buffer.compare(await direct.get('upload'), bytes)).toBe(0);
      } finally {
        await through.close();
        await gateway.stop();
      }
    },
  );
});

async function* stream(bytes: number): AsyncGenerator<Uint8Array, void, void> {
  for (let sent = 0; sent < bytes; sent += MIB) yield new Uint8Array(Math.min(MIB, bytes - sent));
}
