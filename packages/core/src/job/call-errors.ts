/** From how a call's last attempt ended to the error that users see. */
import type { LossReason } from '../contracts/calls.ts';
import type { CallError } from '../errors/splitrock-error.ts';
import {
  CallFailedError,
  CallLostError,
  CallTimeoutError,
  CancelledError,
  type CallCoordinates,
} from '../errors/splitrock-error.ts';
import { deserializeError } from '../errors/serialize-error.ts';
import type { ShippedFunction } from '../functions/ship-function.ts';
import type { SettledBy } from './job-machine.ts';
import type { AttemptFailure } from './job-policy.ts';
import type { RecordedOutcome } from './call-records.ts';

type ErrorDecoder = Pick<ShippedFunction, 'decodeResult' | 'mapStack'>;

/** A settled call that has no value. */
export type Unsuccessful = Exclude<SettledBy, { readonly by: 'value' }>;

/** The error of a call that was settled without a value. `inputError` is why its input never came. */
export function callErrorOf(
  settledBy: Unsuccessful,
  call: CallCoordinates,
  decoder: ErrorDecoder,
  inputError: unknown,
): CallError {
  const name = describe(call);
  switch (settledBy.by) {
    case 'cancel':
      return new CancelledError('CALL_CANCELLED', `${name} was cancelled.`, call);
    case 'input-failed': {
      const why = inputError instanceof Error ? inputError.message : String(inputError);
      return new CallFailedError('CALL_INPUT_FAILED', `${name} did not run: its input has no value: ${why}`, call, {
        cause: inputError,
      });
    }
    case 'failure':
      return failureError(settledBy.failure, name, call, decoder);
  }
}

function failureError(failure: AttemptFailure, name: string, call: CallCoordinates, decoder: ErrorDecoder): CallError {
  switch (failure.kind) {
    case 'error': {
      const cause = decodeThrown(failure.error, decoder);
      return new CallFailedError('CALL_FAILED', `${name} failed: ${failure.name}: ${failure.message}`, call, { cause });
    }
    case 'failed': {
      const cause = deserializeError(failure.error);
      return new CallFailedError(cause.code, `${name} could not be run: ${cause.message}`, call, {
        cause,
        retryable: cause.retryable,
      });
    }
    case 'timeout':
      return new CallTimeoutError(
        'CALL_TIMEOUT',
        `${name} was stopped after ${failure.timeoutMs} ms [stopped by=${failure.by}]; raise timeoutMs if it needs longer.`,
        call,
        { retryable: true, details: { timeoutMs: failure.timeoutMs, by: failure.by } },
      );
    case 'cancelled':
      return new CancelledError('CALL_CANCELLED', `${name} was cancelled.`, call);
    case 'lost':
      return new CallLostError(
        `${name} was lost: ${failure.reason.message}. ${remedyFor(failure.reason)}`,
        call,
        failure.reason,
      );
  }
}

const describe = (call: CallCoordinates): string =>
  `Call ${call.callId} of job ${call.jobName} [job=${call.jobId}, attempts=${call.attempts}]`;

function decodeThrown(bytes: Uint8Array, decoder: ErrorDecoder): unknown {
  const thrown = decoder.decodeResult(bytes);
  if (thrown instanceof Error && typeof thrown.stack === 'string') {
    Object.defineProperty(thrown, 'stack', {
      value: decoder.mapStack(thrown.stack),
      configurable: true,
      writable: true,
    });
  }
  return thrown;
}

const REMEDIES: Readonly<Record<LossReason['kind'], string>> = {
  exit: 'The function, or something it calls, ends the process; return or throw instead.',
  crash: 'Look at the call’s output (job event call:log) for a native fault.',
  'out-of-memory': 'Give the calls more memory (memoryMiB) or less data each.',
  evicted: 'The cluster took the worker away; raise its priority or its requests.',
  'node-lost': 'The node vanished; raise lostAttempts if that is common.',
  'worker-lost': 'Raise lostAttempts if workers are expected to vanish.',
  'start-failed': 'Run `splitrock doctor` to see why workers do not start.',
};

const remedyFor = (reason: LossReason): string => REMEDIES[reason.kind];

/** How records and pictures call it. */
export function recordedOutcome(failure: AttemptFailure | undefined): RecordedOutcome {
  if (failure === undefined) return 'value';
  return failure.kind === 'failed' ? 'error' : failure.kind;
}
