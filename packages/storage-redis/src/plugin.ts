import { PLUGIN_API_VERSION, defineStorage } from '@splitrock/core/plugin';
import { redisStorageOptionsSchema } from './redis-storage-options.ts';
import { RedisStorage } from './redis-storage.ts';

/** `storage: redis`: objects in a Redis server. */
export const plugin = defineStorage({
  kind: 'storage',
  name: 'redis',
  apiVersion: PLUGIN_API_VERSION,
  optionsSchema: redisStorageOptionsSchema,
  createStorage: (options, deps) => new RedisStorage(options, deps),
});
