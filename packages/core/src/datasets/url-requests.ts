/** HTTP requests for objects of data sets: what is tried again, and what an answer says of the object. */
import { setTimeout as pause } from 'node:timers/promises';
import { isSplitrockError, type DataSetError } from '../errors/splitrock-error.ts';
import { abortable } from '../storage-support/abortable.ts';
import { shownUrl, sourceNotFound, sourceUnreadable } from './data-set-errors.ts';

/** How patient a reader of URLs is. */
export interface UrlPatience {
  /** Tries in a row without a byte, before it is an error. */
  readonly attempts: number;
  /** The pause after the first failure; doubles from one to the next. */
  readonly pauseMs: number;
  readonly maxPauseMs: number;
}

export const URL_PATIENCE: UrlPatience = { attempts: 9, pauseMs: 100, maxPauseMs: 10_000 };

/** Answers that another try may change. https://www.rfc-editor.org/rfc/rfc9110#section-15 */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface UrlRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** An answer that is to be used, or the reason to try again. */
export type UrlAnswer = { readonly response: Response } | { readonly again: DataSetError; readonly afterMs: number };

/**
 * Sends a GET; redirects are followed, at most 20, and credentials stay with the host they are for.
 * @throws DataSetError for answers that are final and no success; the signal's reason.
 */
export async function send({ url, headers, signal }: UrlRequest): Promise<UrlAnswer> {
  const { href, authorization } = splitCredentials(url);
  let response: Response;
  try {
    response = await fetch(href, {
      // Compressed, an object would have other bytes and another length.
      headers: { 'accept-encoding': 'identity', ...authorization, ...headers },
      redirect: 'follow',
      signal: signal ?? null,
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const error = unreachable(url, cause);
    // Redirects in a circle, or to what is no HTTP, are the same the next time.
    if (/redirect|scheme/i.test(String(error.details['error']))) throw error;
    return { again: error, afterMs: 0 };
  }
  if (response.ok || response.status === 416) return { response: expectUncompressed(response, url) };
  await response.body?.cancel();
  const error = refusal(response.status, url);
  if (PASSING.has(response.status)) return { again: error, afterMs: retryAfterMs(response) };
  throw error;
}

/** The pauses between tries that failed in a row. */
export class Retries {
  readonly #patience: UrlPatience;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;

  constructor(patience: UrlPatience, signal: AbortSignal | undefined) {
    this.#patience = patience;
    this.#signal = signal;
  }

  /** Bytes came: what failed before does not count any more. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** Waits before the next try. @throws the error itself when there have been enough. */
  async after(error: unknown, atLeastMs = 0): Promise<void> {
    this.#failures += 1;
    if (this.#failures >= this.#patience.attempts) throw error;
    const { pauseMs, maxPauseMs } = this.#patience;
    const wait = Math.min(maxPauseMs, Math.max(atLeastMs, pauseMs * 2 ** (this.#failures - 1)));
    await abortable(pause(wait), this.#signal);
  }
}

/** What names the content: the entity tag, else the time of the last change. */
export function versionOf(headers: Headers): string | undefined {
  return headers.get('etag') ?? headers.get('last-modified') ?? undefined;
}

/** An entity tag that promises equal bytes, as `If-Range` needs. https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1 */
export const isStrongTag = (version: string | undefined): version is string => version?.startsWith('"') === true;

/** `bytes 5-9/100`, `bytes *\/100` or, where the server does not tell the size, `bytes 5-9/*`. */
export function parseContentRange(headers: Headers): { start?: number; end?: number; size?: number } | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(?:(\d+)|\*)$/i.exec(headers.get('content-range')?.trim() ?? '');
  if (match === null) return undefined;
  const [, first, last, size] = match;
  return {
    ...(first === undefined ? {} : { start: Number(first), end: Number(last) + 1 }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

export function lengthOf(headers: Headers): number | undefined {
  const length = headers.get('content-length');
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

/** A connection that broke, as an error that may be tried again. */
export const unreachable = (url: string, cause: unknown): DataSetError => {
  if (isSplitrockError(cause)) return cause;
  const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const error = (why as NodeJS.ErrnoException).code ?? (why instanceof Error ? why.message : String(why));
  return sourceUnreadable('A URL cannot be read', 'check the address and the network', {
    cause,
    retryable: true,
    facts: { url: shownUrl(url), error },
  });
};

function refusal(status: number, url: string): DataSetError {
  const facts = { url: shownUrl(url), status };
  if (status === 404 || status === 410) return sourceNotFound('A URL leads nowhere', 'check the address', { facts });
  if (status === 401 || status === 403) {
    return sourceUnreadable('A server refuses to give a URL', 'check what it takes to read it', { facts });
  }
  const advice = PASSING.has(status) ? 'try again later' : 'check the address';
  return sourceUnreadable('A server fails to give a URL', advice, { facts, retryable: PASSING.has(status) });
}

function expectUncompressed(response: Response, url: string): Response {
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return response;
  throw sourceUnreadable(
    'A server sends a URL compressed, though it was asked not to',
    'read it in one call with fetch',
    {
      facts: { url: shownUrl(url), encoding },
    },
  );
}

function retryAfterMs({ headers }: Response): number {
  const after = headers.get('retry-after') ?? '';
  if (/^\d+$/.test(after)) return Number(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}

/** `fetch` takes no user and password in a URL. */
function splitCredentials(url: string): { href: string; authorization: Record<string, string> } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '' && password === '') return { href: url, authorization: {} };
  parsed.username = '';
  parsed.password = '';
  const pair = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { href: parsed.href, authorization: { authorization: `Basic ${pair}` } };
}
