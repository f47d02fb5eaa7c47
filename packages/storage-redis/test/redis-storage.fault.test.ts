import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isSplitrockError, silentLogger, systemClock } from '@splitrock/core/plugin';
import { freePorts, startRedisServer, type Daemon } from '@splitrock/services';
import { testService } from '@splitrock/services/vitest';
import { RedisStorage, redisStorageOptionsSchema } from '@splitrock/storage-redis';

// Leased for its side effect of having the program installed; the tests below stop servers of their own.
const redis = await testService('redis');

const run = promisify(execFile);

/** For what should happen soon, on a busy machine. */
const PATIENCE = { timeout: 60_000 };
const FAULT_TEST_MS = 120_000;

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );

describe.skipIf(!redis.available)('a Redis server in trouble', { timeout: FAULT_TEST_MS }, () => {
  let folder = '';
  let server: Daemon;
  let port = 0;
  const open: RedisStorage[] = [];

  const start = async (...args: string[]): Promise<void> => {
    ({ daemon: server, port } = await startRedisServer({ folder, args, ...(port === 0 ? {} : { port }) }));
  };
  const storage = (options: object = {}): RedisStorage => {
    const parsed = redisStorageOptionsSchema.parse({ host: '127.0.0.1', port, chunkBytes: 100_000, ...options });
    const opened = new RedisStorage(parsed, { clock: systemClock, logger: silentLogger });
    open.push(opened);
    return opened;
  };
  const admin = async <T>(action: (client: Redis) => Promise<T>, options: object = {}): Promise<T> => {
    const client = new Redis({ host: '127.0.0.1', port, ...options });
    try {
      return await action(client);
    } finally {
      client.disconnect();
    }
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'splitrock-redis-'));
  });

  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    server.signal('SIGCONT');
    await server.stop();
    port = 0;
    await rm(folder, { recursive: true });
  });

  it('that is killed and comes back: operations wait and go on, no object is torn, none acknowledged is lost', async () => {
    await start('--appendfsync', 'always');
    const client = storage();
    const acknowledged = new Map<string, number>();
    const stop = new AbortController();
    const writer = async (name: string): Promise<void> => {
      for (let round = 1; !stop.signal.aborted; round++) {
        await client.put(name, new Uint8Array(350_000 + round).fill(round % 251));
        acknowledged.set(name, round);
      }
    };
    const names = ['a', 'b', 'c'];
    const progress = (beyond: number): Promise<void> => {
      const before = new Map(acknowledged);
      const went = (name: string): boolean => (acknowledged.get(name) ?? 0) > (before.get(name) ?? 0) + beyond;
      return expect.poll(() => names.every(went), PATIENCE).toBe(true);
    };
    const writers = names.map(writer);
    try {
      for (let kill = 0; kill < 2; kill++) {
        await progress(2);
        server.signal('SIGKILL');
        await server.exited;
        await start('--appendfsync', 'always');
      }
      await progress(0);
    } finally {
      stop.abort();
      await Promise.all(writers);
    }
    for (const name of names) {
      const bytes = await client.get(name);
      expect(bytes.length).toBe(350_000 + (acknowledged.get(name) ?? 0));
      expect(Buffer.compare(bytes, new Uint8Array(bytes.length).fill(bytes[0] as number))).toBe(0);
    }
  });

  it('that is killed and comes back: watches go on, and tell of what they missed', async () => {
    await start();
    const watcher = storage();
    let told = 0;
    const watch = await watcher.watch('status/', () => void told++);
    server.signal('SIGKILL');
    await server.exited;
    await start();
    await storage().put('status/missed', new Uint8Array(1));
    await expect.poll(() => told, PATIENCE).toBeGreaterThan(0);
    const before = told;
    // The subscription itself is back as well, not only the connection.
    await expect
      .poll(async () => {
        await storage().put('status/later', new Uint8Array(1));
        return told;
      }, PATIENCE)
      .toBeGreaterThan(before + 1);
    await watch.close();
  });

  it('that stays away: operations fail as retryable when retryForMs is over', async () => {
    await start();
    await server.stop();
    const client = storage({ retryForMs: 300 });
    const attempts = [client.put('a', new Uint8Array(1)), client.get('a'), client.head('a'), client.delete('a')];
    for (const error of await Promise.all(attempts.map(failureOf))) {
      expect(isSplitrockError(error, 'STORAGE_UNAVAILABLE'), String(error)).toBe(true);
      expect(error).toMatchObject({ retryable: true });
      expect((error as Error).message).toContain(`127.0.0.1:${port}`);
    }
  });

  it('that stays away: an abort ends the wait at once, and the put is never carried out', async () => {
    await start();
    await server.stop();
    const client = storage();
    const controller = new AbortController();
    const reason = new Error('no longer');
    const put = failureOf(client.put('a', new Uint8Array(1), { signal: controller.signal }));
    controller.abort(reason);
    expect(await put).toBe(reason);
    await start();
    expect(await client.head('a')).toBeUndefined();
  });

  it('that hangs: the connection is given up and the operation done when it is back', async () => {
    await start();
    const client = storage({ responseTimeoutMs: 200 });
    await client.put('a', new Uint8Array([1]));
    server.signal('SIGSTOP');
    const put = client.put('a', new Uint8Array([2]), { ifAbsent: false });
    const created = client.put('once', new Uint8Array([3]), { ifAbsent: true });
    expect(await failureOf(client.get('a', { signal: AbortSignal.timeout(600) }))).toMatchObject({
      name: 'TimeoutError',
    });
    server.signal('SIGCONT');
    // The command that hung is carried out too, by the server; its second sending must still count as the same put.
    expect(await put).toEqual({ created: true });
    expect(await created).toEqual({ created: true });
    expect([...(await client.get('a'))]).toEqual([2]);
  });

  it('that is full: STORAGE_NO_SPACE, nothing torn, reads and deletes go on', async () => {
    await start('--maxmemory', '6mb');
    const client = storage();
    const old = new Uint8Array(1_000_000).fill(1);
    await client.put('object', old);
    for (const body of [new Uint8Array(20_000_000), stream(20_000_000)]) {
      const error = await failureOf(client.put('object', body));
      expect(isSplitrockError(error, 'STORAGE_NO_SPACE'), String(error)).toBe(true);
    }
    expect(Buffer.compare(await client.get('object'), old)).toBe(0);
    await admin((redisClient) => redisClient.config('SET', 'maxmemory', '1mb'));
    expect(isSplitrockError(await failureOf(client.put('small', new Uint8Array(1))), 'STORAGE_NO_SPACE')).toBe(true);
    expect(isSplitrockError(await failureOf(client.put('object', new Uint8Array(1))), 'STORAGE_NO_SPACE')).toBe(true);
    expect(Buffer.compare(await client.get('object'), old)).toBe(0);
    await client.delete('object');
    expect(await admin((redisClient) => redisClient.keys('splitrock:data:*'))).toEqual([]);
  });

  it('that wants another password: STORAGE_ACCESS_DENIED at once, and no message tells a password', async () => {
    await start('--requirepass', 'the-right-one');
    for (const options of [{ password: 'the-wrong-one' }, {}, { username: 'nobody', password: 'the-wrong-one' }]) {
      const error = await failureOf(storage(options).get('a'));
      expect(isSplitrockError(error, 'STORAGE_ACCESS_DENIED'), String(error)).toBe(true);
      expect(JSON.stringify([String(error), error])).not.toMatch(/the-(wrong|right)-one/);
    }
    const url = `redis://default:the-right-one@127.0.0.1:${port}`;
    expect(await storage({ url, host: undefined, port: undefined }).head('a')).toBeUndefined();
    expect(await storage({ password: 'the-right-one' }).head('a')).toBeUndefined();
  });

  it('that speaks TLS: the connection is encrypted, and its certificate checked', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const files = ['-keyout', key, '-out', cert, '-days', '1'];
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]);
    const [tlsPort = 0] = await freePorts(1);
    const tlsFiles = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no'];
    await start('--tls-port', String(tlsPort), ...tlsFiles);
    const trusted = { tls: { ca: await readFile(cert, 'utf8') } };
    const client = storage({ ...trusted, port: tlsPort });
    await client.put('a', new Uint8Array([1]));
    expect([...(await client.get('a'))]).toEqual([1]);
    const urlOnly = storage({ ...trusted, url: `rediss://127.0.0.1:${tlsPort}`, host: undefined, port: undefined });
    expect([...(await urlOnly.get('a'))]).toEqual([1]);
    const error = await failureOf(storage({ tls: true, port: tlsPort, retryForMs: 300 }).get('a'));
    expect(String(error)).toContain('self-signed certificate');
  });

  it('whose user may not write: STORAGE_ACCESS_DENIED', async () => {
    await start();
    await admin((client) => client.acl('SETUSER', 'reader', 'on', '>secret', '~*', '&*', '+@all', '-@write'));
    const error = await failureOf(storage({ username: 'reader', password: 'secret' }).put('a', new Uint8Array(1)));
    expect(isSplitrockError(error, 'STORAGE_ACCESS_DENIED'), String(error)).toBe(true);
    expect(String(error)).not.toContain('secret');
  });

  it('whose user has the documented permissions: everything works, and other keys are out of reach', async () => {
    await start();
    const rules = [
      '~team-a:*',
      '&team-a:*',
      '+@read',
      '+@write',
      '+@scripting',
      '+@pubsub',
      '+@connection',
      '+info',
      '+time',
    ];
    await admin((client) =>
      client.acl('SETUSER', 'team-a', 'on', '>secret', 'resetkeys', 'resetchannels', '-@all', ...rules),
    );
    const credentials = { username: 'team-a', password: 'secret' };
    const client = storage({ ...credentials, keyPrefix: 'team-a:' });
    let told = 0;
    const watch = await client.watch('jobs/', () => void told++);
    await client.expire('jobs/', 60_000);
    await client.put('jobs/small', new Uint8Array(10));
    await client.put('jobs/large', new Uint8Array(350_000), { ifAbsent: true });
    expect((await client.get('jobs/large')).length).toBe(350_000);
    expect((await client.head('jobs/small'))?.size).toBe(10);
    expect((await client.list('')[Symbol.asyncIterator]().next()).value).toMatchObject({ key: 'jobs/large' });
    await expect.poll(() => told, PATIENCE).toBeGreaterThan(0);
    await client.deleteMany(['jobs/small', 'jobs/large']);
    await watch.close();
    const stranger = storage({ ...credentials, keyPrefix: 'team-b:' });
    expect(isSplitrockError(await failureOf(stranger.put('a', new Uint8Array(1))), 'STORAGE_ACCESS_DENIED')).toBe(true);
  });

  it('that evicts: a part that is gone is told, not filled with zeros', async () => {
    await start();
    const client = storage();
    await client.put('object', new Uint8Array(350_000).fill(1));
    await admin(async (redisClient) => redisClient.del((await redisClient.keys('splitrock:data:*:2'))[0] as string));
    expect(isSplitrockError(await failureOf(client.get('object')), 'DATA_CORRUPT')).toBe(true);
    expect(isSplitrockError(await failureOf(readAll(client.getStream('object'))), 'DATA_CORRUPT')).toBe(true);
    expect((await client.get('object', { range: { offset: 0, length: 100_000 } })).length).toBe(100_000);
  });
});

describe.skipIf(!redis.available)('what is kept in Redis', () => {
  let url = '';
  beforeAll(() => {
    url = redis.variable('SPLITROCK_TEST_REDIS_URL');
  });

  const withStorage = async (action: (storage: RedisStorage, client: Redis, prefix: string) => Promise<void>) => {
    const keyPrefix = `test-${randomUUID()}:`;
    const options = redisStorageOptionsSchema.parse({ url, keyPrefix, chunkBytes: 100_000 });
    const storage = new RedisStorage(options, { clock: systemClock, logger: silentLogger });
    const client = new Redis(url);
    try {
      await action(storage, client, keyPrefix);
    } finally {
      await storage.close();
      const left = await client.keys(`${keyPrefix}*`);
      if (left.length > 0) await client.del(left);
      client.disconnect();
    }
  };

  it('is nothing but the documented keys, and nothing is left of what is replaced or deleted', async () => {
    await withStorage(async (storage, client, prefix) => {
      await storage.put('large', new Uint8Array(250_000));
      await storage.put('large', new Uint8Array(150_000));
      await storage.put('small', new Uint8Array(5));
      await failureOf(storage.put('small', failing()));
      await storage.put('large', new Uint8Array(350_000), { ifAbsent: true });
      const names = (await client.keys(`${prefix}*`)).map((name) =>
        name.slice(prefix.length).replace(/:[\w-]{16}:/, ':V:'),
      );
      expect(names.sort()).toEqual(['data:V:0', 'data:V:1', 'index', 'meta:large', 'meta:small']);
      await storage.deleteMany(['large', 'small']);
      expect(await client.keys(`${prefix}*`)).toEqual([]);
    });
  });

  it('of a killed writer has a time to live', async () => {
    await withStorage(async (storage, client, prefix) => {
      const controller = new AbortController();
      const silent = new Promise<void>((resolve) => {
        const body = (async function* () {
          yield new Uint8Array(250_000);
          resolve();
          await new Promise(() => {});
        })();
        storage.put('unfinished', body, { signal: controller.signal }).catch(() => undefined);
      });
      await silent;
      await expect.poll(() => client.keys(`${prefix}data:*`), PATIENCE).toHaveLength(2);
      const chunks = await client.keys(`${prefix}data:*`);
      for (const chunk of chunks) expect(await client.pttl(chunk)).toBeGreaterThan(0);
      controller.abort();
      await expect.poll(() => client.keys(`${prefix}*`), PATIENCE).toEqual([]);
    });
  });

  it('of an expired prefix is swept from the index by the next call of expire', async () => {
    await withStorage(async (storage, client, prefix) => {
      await storage.put('jobs/a/1', new Uint8Array(1));
      await storage.put('jobs/a/2', new Uint8Array(250_000));
      await storage.expire('jobs/a/', 50);
      await expect.poll(() => client.keys(`${prefix}[md]*`), PATIENCE).toEqual([]);
      expect(await client.zcard(`${prefix}index`)).toBe(2);
      await storage.expire('jobs/b/', 60_000);
      expect(await client.zcard(`${prefix}index`)).toBe(0);
      expect(await client.zrange(`${prefix}rules`, '0', '-1')).toEqual(['jobs/b/']);
    });
  });

  it('is apart from what other key prefixes keep', async () => {
    await withStorage(async (one) => {
      await withStorage(async (other) => {
        await one.put('a', new Uint8Array([1]));
        expect(await other.head('a')).toBeUndefined();
      });
    });
  });
});

async function* stream(bytes: number): AsyncGenerator<Uint8Array, void, void> {
  for (let sent = 0; sent < bytes; sent += 50_000) yield new Uint8Array(50_000);
}

async function* failing(): AsyncGenerator<Uint8Array, void, void> {
  yield new Uint8Array(250_000);
  throw new Error('the source broke');
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
