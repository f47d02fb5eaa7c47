export { plugin } from './plugin.ts';
export { storageMonitoringOptionsSchema, type StorageMonitoringOptions } from './storage-monitoring-options.ts';
export { StorageStatusPublisher } from './storage-status-publisher.ts';
export { StorageStatusSubscriber } from './storage-status-subscriber.ts';
