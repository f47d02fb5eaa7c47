import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, type Storage } from '@splitrock/core/plugin';
import { plugin as localStorage } from '@splitrock/storage-local';
import { plugin as memoryStorage } from '@splitrock/storage-memory';
import { InterceptedStorage, describeMonitoringConformance, type MonitoringUnderTest } from '@splitrock/testkit';
import { plugin } from './plugin.ts';

async function overLocalStorage(wrap: (storage: Storage) => Storage): Promise<MonitoringUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'splitrock-monitoring-'));
  const options = localStorage.optionsSchema.parse({ directory });
  const storage = await localStorage.createStorage(options, { logger: silentLogger, clock: systemClock });
  return {
    plugin,
    options: {},
    storage: wrap(storage),
    forOtherProcesses: {
      monitoring: { module: import.meta.resolve('@splitrock/monitoring-storage'), name: 'storage', options: {} },
      storage: { module: import.meta.resolve('@splitrock/storage-local'), name: 'local', options: { directory } },
    },
    async close() {
      await storage.close();
      await rm(directory, { recursive: true });
    },
  };
}

describeMonitoringConformance({
  name: 'storage monitoring over a watched storage',
  create: () => overLocalStorage((storage) => storage),
});

describeMonitoringConformance({
  name: 'storage monitoring over a polled storage',
  create: () => overLocalStorage((storage) => new InterceptedStorage(storage, { hideWatch: true })),
});

describeMonitoringConformance({
  name: 'storage monitoring over memory',
  otherProcesses: false,
  async create() {
    const options = memoryStorage.optionsSchema.parse({});
    const storage = await memoryStorage.createStorage(options, { logger: silentLogger, clock: systemClock });
    return { plugin, options: {}, storage, close: () => storage.close() };
  },
});
