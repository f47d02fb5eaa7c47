/** Redis's errors as storage errors. No message of ours holds an address with credentials. */
import { StorageError, type ErrorCode } from '@splitrock/core/plugin';

interface Meaning {
  /** What the server's message begins with; https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
  readonly begin: RegExp;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;
}

const DENIED: Meaning = {
  begin: /^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password|DENIED|ERR The user executing the script can't)/,
  code: 'STORAGE_ACCESS_DENIED',
  retryable: false,
  advice: 'check username and password, and the permissions of that user (ACL)',
};

const MEANINGS: readonly Meaning[] = [
  DENIED,
  {
    begin: /^OOM /,
    code: 'STORAGE_NO_SPACE',
    retryable: false,
    advice: 'the server has reached its maxmemory; raise it or remove old jobs (splitrock clean)',
  },
  {
    begin: /^MISCONF /,
    code: 'STORAGE_UNAVAILABLE',
    retryable: true,
    advice: 'the server cannot save to its disk; see its log',
  },
  {
    begin: /^(READONLY|LOADING|BUSY|MASTERDOWN|NOREPLICAS|TRYAGAIN|CLUSTERDOWN) /,
    code: 'STORAGE_UNAVAILABLE',
    retryable: true,
    advice: 'the server cannot take writes just now; see its log',
  },
  {
    begin: /^(ERR DB index|ERR max number of clients)/,
    code: 'STORAGE_UNAVAILABLE',
    retryable: false,
    advice: 'check the option db, and the server’s maxclients',
  },
];

/** Errors that came from the server, not from the connection to it. */
export const isReply = (error: unknown): error is Error => error instanceof Error && error.name === 'ReplyError';

/** Errors after which trying again with the same credentials is useless. */
export const isDenied = (error: unknown): boolean => isReply(error) && DENIED.begin.test(error.message);

/** What the server's reply means. `server` is `host:port/db`. */
export function replyError(error: Error, operation: string, server: string): StorageError {
  const meaning = MEANINGS.find(({ begin }) => begin.test(error.message));
  const advice = meaning?.advice ?? 'see the server’s log';
  const code = meaning?.code ?? 'STORAGE_UNAVAILABLE';
  // Only the reply's first words: a script error repeats its arguments.
  const reply = error.message.slice(0, 120);
  return new StorageError(code, `Redis storage could not ${operation} [server=${server}, reply=${reply}]; ${advice}.`, {
    retryable: meaning?.retryable ?? false,
    details: { server, reply },
  });
}

export const unreachable = (
  cause: Error | undefined,
  operation: string,
  server: string,
  waitedMs: number,
): StorageError =>
  new StorageError(
    'STORAGE_UNAVAILABLE',
    `Redis storage could not ${operation}: the server did not answer for ${Math.round(waitedMs)} ms ` +
      `[server=${server}, last=${cause?.message ?? 'no connection'}]; check that it runs and can be reached.`,
    { retryable: true, details: { server, last: cause?.message ?? null } },
  );
