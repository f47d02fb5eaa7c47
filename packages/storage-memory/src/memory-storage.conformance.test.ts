import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { describeStorageConformance } from '@splitrock/testkit';
import { MemoryBucket } from './memory-bucket.ts';
import { MemoryStorage } from './memory-storage.ts';

describeStorageConformance('memory', {
  capabilities: { watch: true, presign: false, expire: 'prompt' },
  setUp: async () => {
    const bucket = new MemoryBucket();
    const deps = { clock: systemClock, logger: silentLogger };
    return {
      open: async () => new MemoryStorage({ maxObjectBytes: 32 * 1024 * 1024 }, deps, bucket),
      dispose: async () => {},
    };
  },
});
