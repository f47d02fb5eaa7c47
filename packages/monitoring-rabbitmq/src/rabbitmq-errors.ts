/** RabbitMQ's errors as monitoring errors. No message of ours holds an address with credentials. */
import { MonitoringError, type ErrorCode } from '@splitrock/core/plugin';

interface Meaning {
  /** What the broker's text has; https://www.rabbitmq.com/amqp-0-9-1-reference#constants */
  readonly text: RegExp;
  readonly code: ErrorCode;
  readonly advice: string;
}

/** Errors after which trying again in the same way is useless. */
const REFUSALS: readonly Meaning[] = [
  {
    text: /ACCESS_REFUSED.*(?:login|authentication)/i,
    code: 'MONITORING_ACCESS_DENIED',
    advice: 'check username and password',
  },
  {
    text: /NOT_ALLOWED|ACCESS_REFUSED/,
    code: 'MONITORING_ACCESS_DENIED',
    advice: 'give the user permissions on the virtual host; the README of this monitoring lists them',
  },
  {
    text: /PRECONDITION[_-]FAILED|NOT_IMPLEMENTED|COMMAND_INVALID/,
    code: 'MONITORING_UNAVAILABLE',
    advice: 'the broker must be RabbitMQ 3.9 or later with streams',
  },
  {
    text: /certificate|self[- ]signed|ERR_TLS|wrong version number|SSL routines/i,
    code: 'MONITORING_UNAVAILABLE',
    advice: 'check the options tls and url, and the broker’s certificate',
  },
];

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The refusal that an error is, or `undefined` for one after which trying again may help. */
export function refusalOf(error: unknown, operation: string, server: string): MonitoringError | undefined {
  const text = textOf(error);
  if (lacksReplica(text)) return undefined;
  const meaning = REFUSALS.find((each) => each.text.test(text));
  if (meaning === undefined) return undefined;
  const reply = text.slice(0, 240);
  return new MonitoringError(
    meaning.code,
    `RabbitMQ monitoring could not ${operation} [server=${server}, reply=${reply}]; ${meaning.advice}.`,
    { details: { server, reply } },
  );
}

export function unreachable(cause: unknown, operation: string, server: string): MonitoringError {
  const last = cause === undefined ? 'no answer' : textOf(cause).slice(0, 240);
  const [what, advice] = lacksReplica(last)
    ? ['the broker does not have the stream ready', 'add a replica of it on the node with rabbitmq-streams add_replica']
    : ['the broker does not answer', 'check that it runs and can be reached'];
  return new MonitoringError(
    'MONITORING_UNAVAILABLE',
    `RabbitMQ monitoring could not ${operation}: ${what} [server=${server}, last=${last}]; ${advice}.`,
    { retryable: true, details: { server, last } },
  );
}

/**
 * Whether a node has no part of a stream: for a moment after the stream was made or the node was started, or, in a
 * cluster, because the stream's replicas are on other nodes.
 */
const lacksReplica = (text: string): boolean => /does not have a (?:running )?replica on the local node/.test(text);

/** amqplib keeps the reason to itself when the broker closes a connection in the moment it opens its virtual host. */
export const isVhostRefusal = (error: unknown): boolean =>
  /Expected ConnectionOpenOk; got <ConnectionClose/.test(textOf(error));

export const vhostRefused = (operation: string, server: string): MonitoringError =>
  new MonitoringError(
    'MONITORING_UNAVAILABLE',
    `RabbitMQ monitoring could not ${operation}: the broker refuses the virtual host [server=${server}]; ` +
      'make it if there is none of this name, and give the user permissions on it.',
    { details: { server } },
  );

/** Whether the broker says that a queue is not there; one whose node is starting is there, and "not found" as well. */
export const isNotFound = (error: unknown): boolean =>
  /NOT[_-]FOUND/.test(textOf(error)) && !textOf(error).includes('down or inaccessible');

/** Whether a queue belongs to another connection, or to one whose end the broker has not noticed yet. */
export const isLocked = (error: unknown): boolean => /RESOURCE[_-]LOCKED/.test(textOf(error));
