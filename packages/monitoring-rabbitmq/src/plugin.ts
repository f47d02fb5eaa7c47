import {
  LogStatusPublisher,
  LogStatusSubscriber,
  PLUGIN_API_VERSION,
  defineMonitoring,
  isSplitrockError,
  type StatusPublisher,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { rabbitmqMonitoringOptionsSchema, type RabbitmqMonitoringOptions } from './rabbitmq-monitoring-options.ts';
import { RabbitmqStreamReader } from './rabbitmq-stream-reader.ts';
import { RabbitmqStreamWriter } from './rabbitmq-stream-writer.ts';

/** `monitoring: rabbitmq`: status travels in streams of a RabbitMQ broker. */
export const plugin = defineMonitoring({
  kind: 'monitoring',
  name: 'rabbitmq',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: rabbitmqMonitoringOptionsSchema,
  createPublisher,
  createSubscriber: (options, deps) => new LogStatusSubscriber(new RabbitmqStreamReader(options, deps), deps),
});

/** A worker whose credentials are wrong says so at its start; one whose broker is away goes on with the storage. */
async function createPublisher(options: RabbitmqMonitoringOptions, deps: WorkerDeps): Promise<StatusPublisher> {
  const log = new RabbitmqStreamWriter(options, deps);
  const publisher = new LogStatusPublisher(log, options, deps);
  try {
    await log.connection.run('connect', async () => undefined, { patienceMs: options.patienceMs });
  } catch (error) {
    if (!isSplitrockError(error) || !error.retryable) {
      await publisher.close();
      throw error;
    }
    deps.logger.warn('The monitoring cannot be reached yet', { error: error.message });
  }
  return publisher;
}
