/** What can go wrong with the objects of a data set, in one wording for all kinds of sources. */
import { DataSetError } from '../errors/splitrock-error.ts';
import type { ErrorCode } from '../errors/error-codes.ts';

interface Facts {
  readonly cause?: unknown;
  /** Goes into the message as `[key=value]`. No secrets: URLs as {@link shownUrl} gives them. */
  readonly facts?: Readonly<Record<string, string | number>>;
  readonly retryable?: boolean;
}

const make = (code: ErrorCode, what: string, advice: string, { cause, facts = {}, retryable = false }: Facts) => {
  const shown = Object.entries(facts).map(([key, value]) => `${key}=${value}`);
  return new DataSetError(code, `${what} [${shown.join(', ')}]; ${advice}.`, { cause, retryable, details: facts });
};

/** A source that names nothing. */
export const sourceNotFound = (what: string, advice: string, facts: Facts): DataSetError =>
  make('DATASET_NOT_FOUND', what, advice, facts);

/** An object that is not the one that was planned: its bytes must not be mixed with those of the plan. */
export const objectReplaced = (object: string, why: string, cause?: unknown): DataSetError =>
  make(
    'DATASET_CHANGED',
    'An object of a data set is not what it was when the job was planned',
    'start the job again',
    {
      cause,
      facts: { object, why },
    },
  );

/** A source that is there but gives no bytes. */
export const sourceUnreadable = (what: string, advice: string, facts: Facts): DataSetError =>
  make('DATASET_UNREADABLE', what, advice, facts);

/** A URL as messages may show it: without user, password, query and fragment, any of which may be secret. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}
