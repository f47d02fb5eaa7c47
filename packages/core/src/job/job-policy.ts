/** The policy of a job, as the state machine needs it: validated, with all defaults filled in. */
import type { CallOutcome } from '../wire/status-event.ts';
import type { RateLimit } from './token-bucket.ts';

/** How an attempt ended without a value. */
export type AttemptFailure = Exclude<CallOutcome, { readonly kind: 'value' }>;

export interface JobPolicy {
  /** How often a call may run until its function's error or timeout becomes its outcome; at least 1. */
  readonly attempts: number;
  /** Wait before the second attempt; multiplied by `backoffFactor` for each further one, at most `maxBackoffMs`. */
  readonly backoffMs: number;
  readonly backoffFactor: number;
  readonly maxBackoffMs: number;
  /** Whether this failure is worth another attempt. */
  readonly retryable: (failure: AttemptFailure) => boolean;
  /** How many workers a call may lose until it is lost itself; at least 1. */
  readonly lostAttempts: number;
  /** Calls of this job that may be submitted and unfinished at once. */
  readonly concurrency: number;
  readonly rateLimit: RateLimit | undefined;
  readonly speculation: SpeculationPolicy | undefined;
  /** The first failure cancels the rest. */
  readonly failFast: boolean;
}

/** When a straggler gets a backup copy. */
export interface SpeculationPolicy {
  /** Part of the calls that must have ended, 0..1, before any backup is made. */
  readonly quantile: number;
  /** How many times the median duration a call must have run. */
  readonly factor: number;
  /** And at least this long, in milliseconds. */
  readonly minMs: number;
}

/** How long to wait before the attempt after `failures` failed ones. */
export function backoffDelayMs(policy: JobPolicy, failures: number): number {
  return Math.min(policy.maxBackoffMs, policy.backoffMs * policy.backoffFactor ** (failures - 1));
}
