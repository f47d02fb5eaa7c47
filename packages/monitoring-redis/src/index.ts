export { plugin } from './plugin.ts';
export { redisMonitoringOptionsSchema, type RedisMonitoringOptions } from './redis-monitoring-options.ts';
