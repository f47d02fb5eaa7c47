import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  UserStorage,
  decodeValue,
  encodeValue,
  isCloudObject,
  isSplitrockError,
  jobObjectsPrefix,
  silentLogger,
  systemClock,
  type CloudObject,
} from '@splitrock/core/plugin';
import { MemoryStorage } from '@splitrock/storage-memory';

const deps = { clock: systemClock, logger: silentLogger };
let folder = '';
let storage: UserStorage;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splitrock-user-storage-'));
  storage = new UserStorage(new MemoryStorage({ maxObjectBytes: 32 * 1024 * 1024 }, deps));
});

afterEach(() => rm(folder, { recursive: true }));

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );

const keysOf = async (prefix?: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys;
};

describe('objects by key', () => {
  it('are put as text, bytes or a stream and read in any way', async () => {
    await storage.put('text', 'grüße');
    await storage.put('bytes', new Uint8Array([1, 2, 3]));
    await storage.put('stream', Readable.from([Buffer.from('a'), Buffer.from('b')]));
    expect(await storage.getText('text')).toBe('grüße');
    expect([...(await storage.get('bytes'))]).toEqual([1, 2, 3]);
    expect(await storage.getText('stream')).toBe('ab');
    expect([...(await storage.get('bytes', { range: { offset: 1, length: 1 } }))]).toEqual([2]);
    const chunks: Uint8Array[] = [];
    for await (const chunk of storage.getStream('stream')) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('ab');
    expect(await storage.head('bytes')).toMatchObject({ key: 'bytes', size: 3 });
  });

  it('are created once with ifAbsent', async () => {
    expect(await storage.put('a', '1', { ifAbsent: true })).toEqual({ created: true });
    expect(await storage.put('a', '2', { ifAbsent: true })).toEqual({ created: false });
    expect(await storage.getText('a')).toBe('1');
  });

  it('are listed and deleted', async () => {
    for (const key of ['a/1', 'a/2', 'b']) await storage.put(key, key);
    expect(await keysOf()).toEqual(['a/1', 'a/2', 'b']);
    expect(await keysOf('a/')).toEqual(['a/1', 'a/2']);
    await storage.delete('a/1');
    await storage.deleteMany(['b', 'missing']);
    expect(await keysOf()).toEqual(['a/2']);
    expect(await storage.head('a/1')).toBeUndefined();
    expect(isSplitrockError(await failureOf(storage.getText('a/1')), 'STORAGE_OBJECT_NOT_FOUND')).toBe(true);
  });

  it('reject bad keys, never throw them', async () => {
    for (const attempt of [storage.put('', 'x'), storage.get(''), storage.head(''), storage.delete('')]) {
      expect(isSplitrockError(await failureOf(attempt), 'STORAGE_INVALID_KEY')).toBe(true);
    }
  });
});

describe('files', () => {
  it.each([0, 1, 300_000, 1_000_000])('of %i bytes go to storage and back, telling of their progress', async (size) => {
    const bytes = Buffer.alloc(size, 'splitrock');
    const file = join(folder, 'data.bin');
    await writeFile(file, bytes);
    const up: number[] = [];
    const uploaded = await storage.upload(file, 'in/data', {
      onProgress: (progress) => {
        expect(progress.totalBytes).toBe(size);
        up.push(progress.bytes);
      },
    });
    expect(uploaded).toEqual({ created: true, size });
    const down: number[] = [];
    const copy = join(folder, 'deep', 'down', 'copy.bin');
    const written = await storage.download('in/data', copy, {
      onProgress: (progress) => {
        expect(progress.totalBytes).toBe(size);
        down.push(progress.bytes);
      },
    });
    expect(written).toBe(size);
    expect(Buffer.compare(await readFile(copy), bytes)).toBe(0);
    for (const steps of [up, down]) {
      expect(steps.at(-1)).toBe(size);
      expect(steps).toEqual(steps.toSorted((left, right) => left - right));
    }
    expect(await readdir(join(folder, 'deep', 'down'))).toEqual(['copy.bin']);
  });

  it('keep their name as key when none is given', async () => {
    await writeFile(join(folder, 'cats.csv'), 'a,b');
    await storage.upload(join(folder, 'cats.csv'));
    expect(await storage.getText('cats.csv')).toBe('a,b');
  });

  it('are downloaded in part', async () => {
    await storage.put('data', '0123456789');
    const file = join(folder, 'part');
    expect(await storage.download('data', file, { range: { offset: 3, length: 4 } })).toBe(4);
    expect(await readFile(file, 'utf8')).toBe('3456');
  });

  it('stay as they are when a download fails or is aborted, and nothing else is left', async () => {
    const file = join(folder, 'kept');
    await writeFile(file, 'kept');
    await storage.put('large', new Uint8Array(1_000_000));
    expect(isSplitrockError(await failureOf(storage.download('missing', file)), 'STORAGE_OBJECT_NOT_FOUND')).toBe(true);
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = (): void => controller.abort(reason);
    expect(await failureOf(storage.download('large', file, { signal: controller.signal, onProgress }))).toBe(reason);
    expect(await readFile(file, 'utf8')).toBe('kept');
    expect(await readdir(folder)).toEqual(['kept']);
  });

  it('that cannot be read are told by name, and nothing is stored', async () => {
    await mkdir(join(folder, 'a-folder'));
    for (const name of ['missing', 'a-folder']) {
      const error = await failureOf(storage.upload(join(folder, name), 'key'));
      expect(isSplitrockError(error, 'ARGUMENT_INVALID'), String(error)).toBe(true);
      expect((error as Error).message).toContain(name);
    }
    expect(await storage.head('key')).toBeUndefined();
  });
});

describe('cloud objects', () => {
  const job = { executorId: 'abcdefabcdef', jobNumber: 3 };

  it('are small references that travel and are taken wherever a key is', async () => {
    const made = await storage.cloudObject('the content');
    const [received] = decodeValue(encodeValue([made])) as [CloudObject];
    const parsed: unknown = JSON.parse(JSON.stringify(made));
    expect(received).toEqual(made);
    expect(isCloudObject(received) && isCloudObject(parsed)).toBe(true);
    expect(await storage.getText(received)).toBe('the content');
    expect(await storage.head(received)).toMatchObject({ size: 11 });
    const file = join(folder, 'content');
    await storage.download(received, file);
    expect(await readFile(file, 'utf8')).toBe('the content');
    await storage.put(received, 'changed');
    expect(await storage.getText(parsed as CloudObject)).toBe('changed');
    await storage.deleteMany([received]);
    expect(await storage.head(made)).toBeUndefined();
  });

  it('know their size, whatever they were made of', async () => {
    expect((await storage.cloudObject('grüße')).size).toBe(7);
    expect((await storage.cloudObject(new Uint8Array(10))).size).toBe(10);
    expect((await storage.cloudObject(Readable.from([Buffer.alloc(5), Buffer.alloc(6)]))).size).toBe(11);
  });

  it('belong to the job in whose calls they are made', async () => {
    const inJob = new UserStorage(new MemoryStorage({ maxObjectBytes: 1_000_000 }, deps), {
      objectsPrefix: jobObjectsPrefix(job),
    });
    const named = await inJob.cloudObject('x', { name: 'model/weights' });
    const random = await inJob.cloudObject('y');
    expect(named.key).toBe('jobs/abcdefabcdef/000003/objects/model/weights');
    expect(random.key).toMatch(/^jobs\/abcdefabcdef\/000003\/objects\/[0-9a-f-]{36}$/);
    expect(await inJob.getText(named)).toBe('x');
  });

  it.each([undefined, null, 'key', 7, {}, { type: 'splitrock/cloud-object' }, { type: 'other', key: 'a', size: 1 }])(
    'are not taken for %j',
    (value) => {
      expect(isCloudObject(value)).toBe(false);
    },
  );
});
