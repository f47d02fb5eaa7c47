/**
 * Results of other calls as inputs: how a job, a future, and the reader of inputs meet without knowing each other.
 */
import { RESULT_SOURCE } from '../codec/result-brand.ts';
import type { JobRef } from '../contracts/calls.ts';
import type { ResultLocation } from '../wire/gather.ts';

export { RESULT_SOURCE };

/**
 * Names results of a job, for whoever resumes a job that waits for them: one call's (`callId`, or `last` for the one with
 * the highest id; the value itself), some calls' (`callIds`, an array), or all (an array).
 */
export interface ResultSourceRef extends JobRef {
  readonly callId?: number;
  readonly callIds?: readonly number[];
  readonly last?: true;
}

/** Whether a source stands for one value rather than an array of them. */
export const isSingle = (ref: ResultSourceRef): boolean => ref.callId !== undefined || ref.last === true;

export interface ResultSource {
  readonly ref: ResultSourceRef;
  /** Where the encoded results are, once all are there. Rejects with the error of the call that has none. */
  locations(): Promise<readonly ResultLocation[]>;
}

/** Something whose results can be inputs: a job (each result an item, where it is the whole input) or a future. */
export interface HasResults {
  readonly [RESULT_SOURCE]: ResultSource;
}

export const hasResults = (value: unknown): value is HasResults =>
  typeof value === 'object' && value !== null && RESULT_SOURCE in value;
