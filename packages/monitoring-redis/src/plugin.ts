import {
  LogStatusPublisher,
  LogStatusSubscriber,
  PLUGIN_API_VERSION,
  defineMonitoring,
  isSplitrockError,
  type StatusPublisher,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { redisMonitoringOptionsSchema, type RedisMonitoringOptions } from './redis-monitoring-options.ts';
import { RedisStreamReader } from './redis-stream-reader.ts';
import { RedisStreamWriter } from './redis-stream-writer.ts';

/** `monitoring: redis`: status travels in streams of a Redis server. */
export const plugin = defineMonitoring({
  kind: 'monitoring',
  name: 'redis',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: redisMonitoringOptionsSchema,
  createPublisher,
  createSubscriber: (options, deps) => new LogStatusSubscriber(new RedisStreamReader(options, deps), deps),
});

/** A worker whose credentials are wrong says so at its start; one whose server is away goes on with the storage. */
async function createPublisher(options: RedisMonitoringOptions, deps: WorkerDeps): Promise<StatusPublisher> {
  const log = new RedisStreamWriter(options, deps);
  const publisher = new LogStatusPublisher(log, options, deps);
  try {
    await log.connection.run('connect', (client) => client.ping(), { patienceMs: options.patienceMs });
  } catch (error) {
    if (!isSplitrockError(error) || !error.retryable) {
      await publisher.close();
      throw error;
    }
    deps.logger.warn('The monitoring cannot be reached yet', { error: error.message });
  }
  return publisher;
}
