/** Why the broker does not serve us, in words for a waiting user and in codes for programs. Never with a credential. */
import { BackendError, type BackendDiagnosis } from '@splitrock/core/plugin';

export type BrokerTroubleCode = 'BROKER_UNREACHABLE' | 'BROKER_ACCESS_REFUSED' | 'BROKER_VHOST_REFUSED';

export interface BrokerTrouble {
  readonly code: BrokerTroubleCode;
  readonly message: string;
  /** Trying again does not help until somebody changes the configuration or the broker's. */
  readonly refused: boolean;
  readonly cause: Error;
}

/** The part of an address that may be shown. */
export function publicAddress(url: string): {
  readonly address: string;
  readonly user: string;
  readonly vhost: string;
} {
  const { protocol, hostname, port, username, pathname } = new URL(url);
  const address = `${protocol}//${hostname}:${port === '' ? (protocol === 'amqps:' ? 5671 : 5672) : port}`;
  const vhost = decodeURIComponent(pathname.slice(1));
  return {
    address,
    user: username === '' ? 'guest' : decodeURIComponent(username),
    vhost: vhost === '' ? '/' : vhost,
  };
}

/** Tells the three troubles apart by what the broker or the socket said. */
export function describeTrouble(cause: Error, url: string): BrokerTrouble {
  const { address, user, vhost } = publicAddress(url);
  const text = cause.message;
  // amqplib's words for a connection that the broker ends before it is open, with the broker's own in them.
  const handshake = text.startsWith('Handshake terminated');
  if (handshake && /403|ACCESS.REFUSED/.test(text)) {
    return {
      code: 'BROKER_ACCESS_REFUSED',
      message: `The RabbitMQ broker refuses the user or the password [address=${address}, user=${user}]; correct amqp.url.`,
      refused: true,
      cause,
    };
  }
  // Closed when the virtual host was to be opened; amqplib keeps the broker's reason to itself.
  if (/ConnectionOpenOk; got <ConnectionClose/.test(text) || (handshake && /530|NOT.ALLOWED/.test(text))) {
    return {
      code: 'BROKER_VHOST_REFUSED',
      message: `The RabbitMQ broker has no such virtual host, or this user may not use it, or no more of it [address=${address}, vhost=${vhost}, user=${user}]; make it (rabbitmqctl add_vhost, set_permissions) or correct amqp.url.`,
      refused: true,
      cause,
    };
  }
  return {
    code: 'BROKER_UNREACHABLE',
    message: `The RabbitMQ broker cannot be reached [address=${address}, why=${text === '' ? (cause as NodeJS.ErrnoException).code : text}]; jobs go on when it is back.`,
    refused: false,
    cause,
  };
}

export const troubleDiagnosis = ({ code, message, refused }: BrokerTrouble): BackendDiagnosis => ({
  severity: refused ? 'error' : 'warning',
  code,
  message,
});

export const troubleError = ({ code, message, refused, cause }: BrokerTrouble): BackendError =>
  new BackendError('BACKEND_UNAVAILABLE', message, { cause, retryable: !refused, details: { reason: code } });
