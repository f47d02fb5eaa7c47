import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { testService } from '@splitrock/services/vitest';
import { describeStorageConformance } from '@splitrock/testkit';
import { redisStorageOptionsSchema } from './redis-storage-options.ts';
import { RedisStorage } from './redis-storage.ts';

const redis = await testService('redis');

describe.skipIf(!redis.available)('on a Redis server', () => {
  describeStorageConformance('redis', {
    capabilities: { watch: true, presign: false, expire: 'prompt' },
    setUp: async () => {
      const url = redis.variable('SPLITROCK_TEST_REDIS_URL');
      const keyPrefix = `test-${randomUUID()}:`;
      // Chunks far below the default, so that the suite's large objects have many.
      const options = redisStorageOptionsSchema.parse({ url, keyPrefix, chunkBytes: 700_001 });
      return {
        open: async () => new RedisStorage(options, { clock: systemClock, logger: silentLogger }),
        async dispose() {
          const client = new Redis(url);
          for await (const names of client.scanStream({ match: `${keyPrefix}*`, count: 1_000 })) {
            if (names.length > 0) await client.unlink(names as string[]);
          }
          client.disconnect();
        },
      };
    },
  });
});
