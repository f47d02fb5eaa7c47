import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import {
  silentLogger,
  systemClock,
  type MonitoringPlugin,
  type Storage,
  type SubscriberDeps,
} from '@splitrock/core/plugin';
import { testService } from '@splitrock/services/vitest';
import { plugin as localStorage } from '@splitrock/storage-local';
import { describeMonitoringConformance } from '@splitrock/testkit';
import { plugin } from './plugin.ts';
import { rabbitmqMonitoringOptionsSchema, type RabbitmqMonitoringOptions } from './rabbitmq-monitoring-options.ts';

const rabbitmq = await testService('rabbitmq');

/** A busy machine is no broken broker: nothing may go round by storage here. */
const PATIENCE_MS = 60_000;

describe.skipIf(!rabbitmq.available)('over a real broker', () => {
  const url = rabbitmq.variable('SPLITROCK_TEST_AMQP_URL');

  describeMonitoringConformance({
    name: 'RabbitMQ monitoring',
    async create() {
      const directory = await mkdtemp(join(tmpdir(), 'splitrock-monitoring-'));
      const storageOptions = localStorage.optionsSchema.parse({ directory });
      const storage = await localStorage.createStorage(storageOptions, { logger: silentLogger, clock: systemClock });
      const options = { url, maxMessageBytes: 1_000_000, patienceMs: PATIENCE_MS };
      const executorIds = new Set<string>();
      return {
        plugin: {
          ...plugin,
          createSubscriber(parsed: RabbitmqMonitoringOptions, deps: SubscriberDeps) {
            executorIds.add(deps.executorId);
            return plugin.createSubscriber(parsed, deps);
          },
        } satisfies MonitoringPlugin<RabbitmqMonitoringOptions>,
        options,
        storage,
        forOtherProcesses: {
          monitoring: { module: import.meta.resolve('@splitrock/monitoring-rabbitmq'), name: 'rabbitmq', options },
          storage: { module: import.meta.resolve('@splitrock/storage-local'), name: 'local', options: { directory } },
        },
        async close() {
          await storage.deleteMany(keysOf(storage));
          await removeStreams(url, storage, executorIds);
          await storage.close();
          await rm(directory, { recursive: true });
        },
      };
    },
  });
});

async function removeStreams(url: string, storage: Storage, executorIds: ReadonlySet<string>): Promise<void> {
  const deps = { tenant: 'conformance', executorId: 'cleaner', storage, logger: silentLogger, clock: systemClock };
  const subscriber = await plugin.createSubscriber(rabbitmqMonitoringOptionsSchema.parse({ url }), deps);
  await subscriber.clean?.(Array.from(executorIds, (executorId) => ({ executorId, jobNumber: 1 })));
  await subscriber.close();
}

async function* keysOf(storage: Storage): AsyncIterable<string> {
  for await (const { key } of storage.list('')) yield key;
}
