import { s3 } from './ceph.ts';
import type { ServiceDefinition, ServiceName } from './definition.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';
import { sshd } from './sshd.ts';

export const SERVICES: Readonly<Record<ServiceName, ServiceDefinition>> = { redis, s3, rabbitmq, sshd };
