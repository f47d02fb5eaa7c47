export { startGateway, type GatewayOptions } from './ceph.ts';
export {
  controlBroker,
  isOwnService,
  leaseService,
  removeService,
  restartService,
  stopService,
  whyUnavailable,
  type Lease,
} from './client.ts';
export { Daemon, freePorts } from './daemon.ts';
export type { ServiceName } from './definition.ts';
export { installPackages, whyNotInstallable } from './install.ts';
export { startRabbitmqServer, type RabbitmqServer, type RabbitmqServerOptions } from './rabbitmq.ts';
export { startRedisServer, type RedisServerOptions } from './redis.ts';
