import type { Options, SocketOptions } from 'amqplib';
import type { RabbitmqMonitoringOptions } from './rabbitmq-monitoring-options.ts';

export interface RabbitmqAddress {
  readonly connect: Options.Connect;
  readonly socket: SocketOptions;
  /** `host:port/vhost`, for messages. */
  readonly server: string;
}

/** What amqplib connects to. */
export function addressOf(options: RabbitmqMonitoringOptions): RabbitmqAddress {
  const url = options.url === undefined ? undefined : new URL(options.url);
  const secure = options.tls !== false || url?.protocol === 'amqps:';
  const hostname = (url?.hostname ?? options.host ?? 'localhost').replaceAll(/^\[|\]$/g, '');
  const port = Number(url?.port) || options.port || (secure ? 5671 : 5672);
  const vhost = (url === undefined ? options.vhost : decodeURIComponent(url.pathname.slice(1))) || '/';
  return {
    connect: {
      protocol: secure ? 'amqps' : 'amqp',
      hostname,
      port,
      // amqplib decodes it.
      vhost: encodeURIComponent(vhost),
      username: options.username ?? (decodeURIComponent(url?.username ?? '') || 'guest'),
      password: options.password ?? (decodeURIComponent(url?.password ?? '') || 'guest'),
      heartbeat: options.heartbeatSeconds,
    },
    socket: {
      ...(typeof options.tls === 'object' ? options.tls : {}),
      timeout: options.connectTimeoutMs,
      noDelay: true,
      clientProperties: { connection_name: 'splitrock-monitoring' },
    },
    server: `${hostname}:${port}${vhost.startsWith('/') ? '' : '/'}${vhost}`,
  };
}
