/** Errors of ours across processes: JSON-safe, without classes. User errors travel through the codec instead. */
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import { isSplitrockError, SplitrockError } from './splitrock-error.ts';

export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly stack?: string;
  readonly cause?: SerializedError;
}

/** Turns any thrown value into plain data. Foreign errors become `REMOTE_ERROR` and keep name, message and stack. */
export function serializeError(value: unknown, depth = 0): SerializedError {
  const error = value instanceof Error ? value : new Error(String(value));
  const ours = isSplitrockError(error) ? error : undefined;
  return {
    name: error.name,
    message: error.message,
    code: ours?.code ?? 'REMOTE_ERROR',
    retryable: ours?.retryable ?? false,
    details: ours?.details ?? {},
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= 8 ? {} : { cause: serializeError(error.cause, depth + 1) }),
  };
}

/** The error that {@link serializeError} described, as a {@link SplitrockError} with the remote name, code and stack. */
export function deserializeError(data: SerializedError): SplitrockError {
  const code: ErrorCode = Object.hasOwn(ERROR_CODES, data.code) ? (data.code as ErrorCode) : 'REMOTE_ERROR';
  const error = new SplitrockError(code, data.message, {
    retryable: data.retryable,
    details: data.details,
    ...(data.cause === undefined ? {} : { cause: deserializeError(data.cause) }),
  });
  error.name = data.name;
  if (data.stack !== undefined)
    Object.defineProperty(error, 'stack', { value: data.stack, configurable: true, writable: true });
  return error;
}
