/**
 * The base of every error that Splitrock throws, and its families.
 *
 * Recognise an error by its `code` or with {@link isSplitrockError}, not by `instanceof`: two copies of a package may
 * be loaded. A message says what failed, the facts as `[key=value]`, and what to do next; it never holds a secret.
 */
import type { ErrorCode } from './error-codes.ts';
import type { LossReason } from '../contracts/calls.ts';

const BRAND = Symbol.for('splitrock.error');

export interface SplitrockErrorOptions {
  readonly cause?: unknown;
  /** Whether trying the same thing again may succeed. @defaultValue false */
  readonly retryable?: boolean;
  /** JSON-safe facts, for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class SplitrockError extends Error {
  /** Stable; listed in `docs/errors.md`. */
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: SplitrockErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether a value is an error of ours, whichever copy of the package made it; optionally with this code. */
export function isSplitrockError(value: unknown, code?: ErrorCode): value is SplitrockError {
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false;
  return code === undefined || (value as unknown as SplitrockError).code === code;
}

/** The configuration is wrong; every problem is listed. */
export class ConfigError extends SplitrockError {}
/** A plugin is missing, broken, or of another API version. */
export class PluginError extends SplitrockError {}
/** A value cannot be encoded or decoded. */
export class SerializationError extends SplitrockError {}
/** A storage operation failed for good. */
export class StorageError extends SplitrockError {}
/** A data set cannot be had, or not as it was planned. */
export class DataSetError extends SplitrockError {}
/** A backend cannot do what was asked. */
export class BackendError extends SplitrockError {}
/** Status cannot travel. */
export class MonitoringError extends SplitrockError {}
/** An argument of the API is not what it must be. */
export class InvalidArgumentError extends SplitrockError {}
/** Something was used before its start or after its end. */
export class IllegalStateError extends SplitrockError {}
/** A wait ended before what it waited for; nothing was stopped by it. */
export class WaitTimeoutError extends SplitrockError {}
/** A job cannot be found, or cannot be completed from what is in storage. */
export class JobError extends SplitrockError {}

/** Several calls of a job have no value. `errors` holds the first of them, at most {@link JobFailedError.MAX_ERRORS}. */
export class JobFailedError extends JobError {
  static readonly MAX_ERRORS = 100;
  readonly errors: readonly Error[];

  constructor(jobId: string, jobName: string, failed: number, total: number, errors: readonly Error[]) {
    const first = errors[0];
    super(
      'JOB_FAILED',
      `${failed} of ${total} calls of job ${jobName} have no value [job=${jobId}]; the first: ${first?.message ?? ''} ` +
        'Use job.settled() for all outcomes, job.retryFailed() to run the failed calls again.',
      { cause: first, details: { jobId, jobName, failed, total } },
    );
    this.errors = errors;
  }
}

/** Which call an error is about. */
export interface CallCoordinates {
  readonly jobId: string;
  readonly jobName: string;
  readonly callId: number;
  readonly attempts: number;
}

/** Base of the four ways a call can end without a value. */
export class CallError extends SplitrockError {
  readonly call: CallCoordinates;

  constructor(code: ErrorCode, message: string, call: CallCoordinates, options: SplitrockErrorOptions = {}) {
    super(code, message, { ...options, details: { ...options.details, ...call } });
    this.call = call;
  }
}

/** The user's function threw; `cause` is what it threw. */
export class CallFailedError extends CallError {}

/** The call's worker vanished, as often as attempts were allowed. */
export class CallLostError extends CallError {
  readonly reason: LossReason;

  constructor(message: string, call: CallCoordinates, reason: LossReason) {
    super('CALL_LOST', message, call, { retryable: true, details: { reason } });
    this.reason = reason;
  }
}

/** The call ran longer than its timeout and was stopped. */
export class CallTimeoutError extends CallError {}

/** The call, its job or its executor was cancelled. */
export class CancelledError extends CallError {}
