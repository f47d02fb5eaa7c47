/** Redis's errors as monitoring errors. No message of ours holds an address with credentials. */
import { MonitoringError, type ErrorCode } from '@splitrock/core/plugin';

interface Meaning {
  /** What the server's message begins with; https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
  readonly begin: RegExp;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;
}

const DENIED: Meaning = {
  begin: /^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password|DENIED)/,
  code: 'MONITORING_ACCESS_DENIED',
  retryable: false,
  advice: 'check username and password, and the permissions of that user (ACL)',
};
const MISCONFIGURED: Meaning = {
  begin: /^(ERR DB index|ERR invalid DB index|ERR max number of clients)/,
  code: 'MONITORING_UNAVAILABLE',
  retryable: false,
  advice: 'check the option db, and the server’s maxclients',
};

const MEANINGS: readonly Meaning[] = [
  DENIED,
  MISCONFIGURED,
  {
    begin: /^OOM /,
    code: 'MONITORING_NO_SPACE',
    retryable: false,
    advice: 'the server has reached its maxmemory; raise it or remove old jobs (splitrock clean)',
  },
  {
    begin: /^(MISCONF|READONLY|LOADING|BUSY|MASTERDOWN|NOREPLICAS|TRYAGAIN|CLUSTERDOWN) /,
    code: 'MONITORING_UNAVAILABLE',
    retryable: true,
    advice: 'the server cannot take writes just now; see its log',
  },
];

/** Errors that came from the server, not from the connection to it. */
export const isReply = (error: unknown): error is Error => error instanceof Error && error.name === 'ReplyError';

/** Errors after which connecting again in the same way is useless. */
export const isRefusal = (error: unknown): boolean =>
  isReply(error) && (DENIED.begin.test(error.message) || MISCONFIGURED.begin.test(error.message));

/** What the server's reply means. `server` is `host:port/db`. */
export function replyError(error: Error, operation: string, server: string): MonitoringError {
  const meaning = MEANINGS.find(({ begin }) => begin.test(error.message));
  // Only the reply's first words: an error may repeat a command's arguments.
  const reply = error.message.slice(0, 120);
  return new MonitoringError(
    meaning?.code ?? 'MONITORING_UNAVAILABLE',
    `Redis monitoring could not ${operation} [server=${server}, reply=${reply}]; ${meaning?.advice ?? 'see the server’s log'}.`,
    { retryable: meaning?.retryable ?? false, details: { server, reply } },
  );
}

export const unreachable = (cause: Error | undefined, operation: string, server: string): MonitoringError =>
  new MonitoringError(
    'MONITORING_UNAVAILABLE',
    `Redis monitoring could not ${operation}: the server does not answer ` +
      `[server=${server}, last=${cause?.message ?? 'no answer'}]; check that it runs and can be reached.`,
    { retryable: true, details: { server, last: cause?.message ?? null } },
  );
