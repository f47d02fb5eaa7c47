import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { describe } from 'vitest';
import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { testService } from '@splitrock/services/vitest';
import { describeStorageConformance } from '@splitrock/testkit';
import { s3StorageOptionsSchema } from './s3-storage-options.ts';
import { ExpiringS3Storage } from './s3-storage.ts';

const s3 = await testService('s3');

describe.skipIf(!s3.available)('on an S3 gateway', () => {
  describeStorageConformance('s3', {
    capabilities: { watch: false, presign: true, expire: 'slow' },
    // Every request takes milliseconds here; the stores without a network run the same properties more often.
    propertyRuns: 6,
    setUp: async () => {
      const credentials = {
        accessKeyId: s3.variable('SPLITROCK_TEST_S3_ACCESS_KEY_ID'),
        secretAccessKey: s3.variable('SPLITROCK_TEST_S3_SECRET_ACCESS_KEY'),
      };
      const endpoint = s3.variable('SPLITROCK_TEST_S3_ENDPOINT');
      const bucket = `test-${randomUUID()}`;
      const client = new S3Client({
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { ...credentials },
      });
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      const given = { endpoint, bucket, ...credentials, prefix: 'tenant/', partBytes: 5 * 1024 * 1024 };
      const options = s3StorageOptionsSchema.parse({ ...given, lifecycleRules: true });
      const open = async (): Promise<ExpiringS3Storage> =>
        new ExpiringS3Storage(options, { clock: systemClock, logger: silentLogger });
      return {
        open,
        async dispose() {
          const storage = await open();
          await storage.deleteMany(keysOf(storage));
          await storage.close();
          await client.send(new DeleteBucketCommand({ Bucket: bucket }));
          client.destroy();
        },
      };
    },
  });
});

async function* keysOf(storage: ExpiringS3Storage): AsyncGenerator<string, void, void> {
  for await (const { key } of storage.list('')) yield key;
}
