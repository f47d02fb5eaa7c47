import { PLUGIN_API_VERSION, defineMonitoring } from '@splitrock/core/plugin';
import { storageMonitoringOptionsSchema } from './storage-monitoring-options.ts';
import { StorageStatusPublisher } from './storage-status-publisher.ts';
import { StorageStatusSubscriber } from './storage-status-subscriber.ts';

/** Monitoring that needs no service of its own: status travels through the job's storage. */
export const plugin = defineMonitoring({
  kind: 'monitoring',
  name: 'storage',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: storageMonitoringOptionsSchema,
  createPublisher: (options, deps) => new StorageStatusPublisher(options, deps),
  createSubscriber: (options, deps) => new StorageStatusSubscriber(options, deps),
});
