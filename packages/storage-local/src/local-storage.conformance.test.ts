import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { describeStorageConformance } from '@splitrock/testkit';
import { localStorageOptionsSchema } from './local-storage-options.ts';
import { LocalStorage } from './local-storage.ts';

describeStorageConformance('local', {
  capabilities: { watch: true, presign: false, expire: false },
  setUp: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'splitrock-local-'));
    const options = localStorageOptionsSchema.parse({ directory });
    return {
      open: async () => new LocalStorage(options, { clock: systemClock, logger: silentLogger }),
      dispose: () => rm(directory, { recursive: true }),
    };
  },
});
