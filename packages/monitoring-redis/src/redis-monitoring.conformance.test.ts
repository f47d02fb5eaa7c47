import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { testService } from '@splitrock/services/vitest';
import { plugin as localStorage } from '@splitrock/storage-local';
import { describeMonitoringConformance } from '@splitrock/testkit';
import { plugin } from './plugin.ts';

const redis = await testService('redis');

/** A busy machine is no broken server: nothing may go round by storage here. */
const PATIENCE_MS = 60_000;

describe.skipIf(!redis.available)('over a real server', () => {
  describeMonitoringConformance({
    name: 'Redis monitoring',
    async create() {
      const directory = await mkdtemp(join(tmpdir(), 'splitrock-monitoring-'));
      const storageOptions = localStorage.optionsSchema.parse({ directory });
      const storage = await localStorage.createStorage(storageOptions, { logger: silentLogger, clock: systemClock });
      const url = redis.variable('SPLITROCK_TEST_REDIS_URL');
      const options = { url, keyPrefix: `test-${randomUUID()}:`, maxMessageBytes: 1_000_000, patienceMs: PATIENCE_MS };
      return {
        plugin,
        options,
        storage,
        forOtherProcesses: {
          monitoring: { module: import.meta.resolve('@splitrock/monitoring-redis'), name: 'redis', options },
          storage: { module: import.meta.resolve('@splitrock/storage-local'), name: 'local', options: { directory } },
        },
        async close() {
          const client = new Redis(url);
          const keys = await client.keys(`${options.keyPrefix}*`);
          if (keys.length > 0) await client.unlink(...keys);
          await client.quit();
          await storage.close();
          await rm(directory, { recursive: true });
        },
      };
    },
  });
});
