/** Data sets in S3 as users name them, read by real workers: `s3://bucket/…`. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { FunctionExecutor, objects, type ExecutorOptions, type Partition } from '@splitrock/core';
import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { testService } from '@splitrock/services/vitest';
import { S3Storage, s3StorageOptionsSchema } from '@splitrock/storage-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const s3 = await testService('s3');
const connection = {
  endpoint: s3.variable('SPLITROCK_TEST_S3_ENDPOINT'),
  accessKeyId: s3.variable('SPLITROCK_TEST_S3_ACCESS_KEY_ID'),
  secretAccessKey: s3.variable('SPLITROCK_TEST_S3_SECRET_ACCESS_KEY'),
};

describe.skipIf(!s3.available)('data sets in S3', () => {
  const [ours, theirs] = [`test-${randomUUID()}`, `test-${randomUUID()}`];
  const table = Array.from({ length: 3_000 }, (_, row) => `${row},${'x'.repeat(row % 17)}\n`).join('');
  const executors: FunctionExecutor[] = [];
  let folder = '';
  let client: S3Client;
  let bucket: S3Storage;

  const executor = (options: ExecutorOptions): FunctionExecutor => {
    const made = new FunctionExecutor({
      cwd: folder,
      logLevel: 'error',
      resolveFrom: [import.meta.url],
      ...options,
      backends: { localhost: { workerProcesses: 2 } },
      storages: { local: { directory: join(folder, 'storage') }, ...options.storages },
    });
    executors.push(made);
    return made;
  };
  const failure = async (job: PromiseLike<unknown>): Promise<unknown> =>
    job.then(
      () => expect.fail('it has results'),
      (error: unknown) => error,
    );
  const storageOf = (name: string): S3Storage =>
    new S3Storage(s3StorageOptionsSchema.parse({ ...connection, bucket: name }), {
      clock: systemClock,
      logger: silentLogger,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'splitrock-s3-'));
    const { endpoint, ...credentials } = connection;
    client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    for (const name of [ours, theirs]) await client.send(new CreateBucketCommand({ Bucket: name }));
    bucket = storageOf(theirs);
    await bucket.put('tables/a.csv', new TextEncoder().encode(table));
    await bucket.put('tables/b.csv', new TextEncoder().encode('last'));
    await bucket.put('tables/c.txt', new TextEncoder().encode('no table'));
  });
  afterEach(async () => {
    for (const each of executors.splice(0)) await each.dispose();
  });
  afterAll(async () => {
    for (const name of [ours, theirs]) {
      const storage = storageOf(name);
      for await (const { key } of storage.list('')) await storage.delete(key);
      await storage.close();
      await client.send(new DeleteBucketCommand({ Bucket: name }));
    }
    await bucket.close();
    client.destroy();
    await rm(folder, { recursive: true });
  });

  const linesOf = async (part: Partition): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of part.lines()) lines.push(line);
    return lines;
  };
  const source = `s3://${theirs}/tables/*.csv`;

  it('are read beside another storage, with the connection that the configuration has', async () => {
    const local = executor({ dataStorages: ['s3'], storages: { s3: connection } });
    const lines = await local.map(linesOf, objects(source, { chunkBytes: 5_000 }));
    expect(lines).toHaveLength(Math.ceil(table.length / 5_000) + 1);
    expect(lines.flat()).toEqual([...table.trimEnd().split('\n'), 'last']);
  });

  it('are read from other buckets than that of the executor’s own storage', async () => {
    const own = executor({ storage: 's3', storages: { s3: { ...connection, bucket: ours, prefix: 'tenant/' } } });
    await own.storage.put('mine.csv', 'mine');
    const sizes = own.mapReduce(
      async (part: Partition) => (await part.bytes()).length,
      objects([source, 'mine.csv', `s3://${ours}/tenant/mine.csv`], { chunks: 3 }),
      (values) => values.reduce((sum, value) => sum + value, 0),
      { reduceBy: 'object' },
    );
    expect([...(await sizes)]).toEqual([
      [`s3://${theirs}/tables/a.csv`, table.length],
      [`s3://${theirs}/tables/b.csv`, 4],
      ['mine.csv', 4],
      [`s3://${ours}/tenant/mine.csv`, 4],
    ]);
  });

  it('can be uploaded before: large files in parallel parts, telling of their progress', async () => {
    const own = executor({
      storage: 's3',
      storages: { s3: { ...connection, bucket: ours, partBytes: 5 * 1024 * 1024 } },
    });
    const file = join(folder, 'large');
    await writeFile(file, '');
    await truncate(file, 21 * 1024 * 1024);
    const told: number[] = [];
    await own.storage.upload(file, 'large', { onProgress: ({ bytes }) => told.push(bytes) });
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(21 * 1024 * 1024);
    // The entity tag of an object that came in parts has their number.
    expect((await own.storage.head('large'))?.version).toMatch(/-5"$/);
    const lengths = await own.map(
      async (part: Partition) => (await part.bytes()).length,
      objects('large', { chunks: 3, newline: null }),
    );
    expect(lengths).toEqual([7, 7, 7].map((mebibytes) => mebibytes * 1024 * 1024));
  });

  it('that cannot be listed fail before anything runs, and say why', async () => {
    const local = executor({ dataStorages: ['s3'], storages: { s3: connection } });
    const run = (from: string): Promise<unknown> => failure(local.map(linesOf, objects(from)));
    expect(await run(`s3://missing-${randomUUID()}/*.csv`)).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining('bucket does not exist'),
    });
    expect(await run(`s3://${theirs}/nothing/`)).toMatchObject({ code: 'DATASET_NOT_FOUND' });
    expect(await run(`s3://${theirs}/nothing`)).toMatchObject({ code: 'DATASET_NOT_FOUND' });
    expect(await run('s3://x/nothing')).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('with wrong credentials fail before anything runs, and tell no secret', async () => {
    const wrong = { ...connection, secretAccessKey: 'a-very-wrong-secret' };
    const error = await failure(
      executor({ dataStorages: ['s3'], storages: { s3: wrong } }).map(linesOf, objects(source)),
    );
    expect(error).toMatchObject({ code: 'STORAGE_ACCESS_DENIED' });
    expect((error as Error).message).not.toContain('a-very-wrong-secret');
  });
});
