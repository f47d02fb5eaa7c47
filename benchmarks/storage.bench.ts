/**
 * Storage in S3 beside the bare AWS SDK: seconds to upload and to download objects, in one run, one after the other in
 * turn. Held to: at least 0.9 of the SDK's throughput.
 *
 * The SDK does what its documentation shows for large objects: `Upload` of lib-storage with the same part size and
 * parallelism, `GetObject` whose body is read to its end. Both contenders have the same source and the same sink.
 *
 * Needs an S3 store: one that `SPLITROCK_TEST_S3_*` names, else Ceph from Debian's packages on this machine.
 * Run: `npm run bench -- storage [rounds] [part of a comparison's name]`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { UserStorage, silentLogger, systemClock } from '@splitrock/core/plugin';
import { leaseService } from '@splitrock/services';
import { S3Storage, s3StorageOptionsSchema } from '@splitrock/storage-s3';
import { conclude, interleaved, seconds, type Measured, type Verdict } from './measure.ts';

const MIB = 1024 * 1024;
const BOUND = 0.9;
const PART_BYTES = 8 * MIB;
const PARALLEL_PARTS = 4;

interface Setting {
  readonly bucket: string;
  readonly client: S3Client;
  readonly storage: S3Storage;
  readonly folder: string;
}

/** One pair of contenders: Splitrock first. */
interface Comparison {
  readonly what: string;
  readonly megabytes: number;
  readonly splitrock: () => Promise<unknown>;
  readonly sdk: () => Promise<unknown>;
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 7);
  const setting = await setUp();
  try {
    console.log(`Node ${process.version}, ${cpus().length} CPUs, ${rounds} rounds, parts of ${PART_BYTES / MIB} MiB`);
    const verdicts: Verdict[] = [];
    const chosen = (await comparisons(setting)).filter(({ what }) => what.includes(process.argv[3] ?? ''));
    for (const comparison of chosen) verdicts.push(await compare(comparison, rounds));
    conclude(verdicts);
  } finally {
    await takeDown(setting);
  }
}

async function setUp(): Promise<Setting> {
  const { environment } = await leaseService('s3');
  const endpoint = environment['SPLITROCK_TEST_S3_ENDPOINT'] ?? '';
  const credentials = {
    accessKeyId: environment['SPLITROCK_TEST_S3_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: environment['SPLITROCK_TEST_S3_SECRET_ACCESS_KEY'] ?? '',
  };
  const bucket = `bench-${randomUUID()}`;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { ...credentials },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const given = { endpoint, bucket, ...credentials, partBytes: PART_BYTES, parallelParts: PARALLEL_PARTS };
  const deps = { clock: systemClock, logger: silentLogger };
  const storage = new S3Storage(s3StorageOptionsSchema.parse(given), deps);
  return { bucket, client, storage, folder: await mkdtemp(join(tmpdir(), 'splitrock-bench-')) };
}

async function takeDown({ bucket, client, storage, folder }: Setting): Promise<void> {
  for await (const { key } of storage.list('')) await storage.delete(key);
  await storage.close();
  await client.send(new DeleteBucketCommand({ Bucket: bucket }));
  client.destroy();
  await rm(folder, { recursive: true });
}

async function comparisons(setting: Setting): Promise<Comparison[]> {
  const { bucket, client, storage, folder } = setting;
  const users = new UserStorage(storage);
  const file = join(folder, 'file');
  const target = join(folder, 'copy');
  const large = randomBytes(96 * MIB);
  const middle = randomBytes(4 * MIB);
  await writeFile(file, large);
  await storage.put('large', large);
  await eightTimes((index) => storage.put(`middle/${index}`, middle));
  const object = (key: string): { Bucket: string; Key: string } => ({ Bucket: bucket, Key: key });
  const bodyOf = async (key: string): Promise<Readable> =>
    (await client.send(new GetObjectCommand(object(key)))).Body as Readable;
  return [
    {
      what: 'upload a file of 96 MiB',
      megabytes: 96,
      splitrock: () => users.upload(file, 'uploaded'),
      sdk: () =>
        new Upload({
          client,
          params: { ...object('uploaded'), Body: createReadStream(file, { highWaterMark: 256 * 1024 }) },
          partSize: PART_BYTES,
          queueSize: PARALLEL_PARTS,
        }).done(),
    },
    {
      what: 'download to a file, 96 MiB',
      megabytes: 96,
      splitrock: () => users.download('large', target),
      sdk: async () => pipeline(await bodyOf('large'), createWriteStream(target)),
    },
    {
      what: 'read as a stream, 96 MiB',
      megabytes: 96,
      splitrock: () => drain(storage.getStream('large')),
      sdk: async () => drain((await bodyOf('large')) as AsyncIterable<Uint8Array>),
    },
    {
      what: 'put 8 arrays of 4 MiB',
      megabytes: 32,
      splitrock: () => eightTimes((index) => storage.put(`middle/${index}`, middle)),
      sdk: () =>
        eightTimes((index) => client.send(new PutObjectCommand({ ...object(`middle/${index}`), Body: middle }))),
    },
    {
      what: 'get 8 arrays of 4 MiB',
      megabytes: 32,
      splitrock: () => eightTimes((index) => storage.get(`middle/${index}`)),
      sdk: () =>
        eightTimes(async (index) => {
          const { Body } = await client.send(new GetObjectCommand(object(`middle/${index}`)));
          return Body?.transformToByteArray();
        }),
    },
  ];
}

async function compare({ what, megabytes, splitrock, sdk }: Comparison, rounds: number): Promise<Verdict> {
  const [ours, bare] = (await interleaved(
    [
      { name: 'splitrock', run: () => seconds(splitrock) },
      { name: 'SDK', run: () => seconds(sdk) },
    ],
    rounds,
  )) as [Measured, Measured];
  const share = bare.median / ours.median;
  const rate = ({ median }: Measured): string => `${(megabytes / median).toFixed(0)} MiB/s`;
  return {
    what,
    measured: `${rate(ours)}, SDK ${rate(bare)}: ${share.toFixed(2)}`,
    bound: `≥ ${BOUND}`,
    kept: share >= BOUND,
  };
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
}

const eightTimes = (action: (index: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: 8 }, (_, index) => action(index)));

await main();
