export { RedisStorage } from './redis-storage.ts';
export { redisStorageOptionsSchema, type RedisStorageOptions } from './redis-storage-options.ts';
export { plugin } from './plugin.ts';
