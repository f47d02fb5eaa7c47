/** Calls that wait for a worker: pieces of submissions, and how the inline inputs are cut to fit them. */
import {
  InvalidArgumentError,
  decodeInputPart,
  encodeInputPart,
  formatJobId,
  type CallRange,
  type CallSubmission,
} from '@splitrock/core/plugin';

/** One contiguous piece of a submission. */
export interface QueuedCalls {
  readonly of: KeptSubmission;
  readonly calls: CallRange;
}

/** A submission that was found to be sound, with its inline inputs ready to be cut into pieces. */
export interface KeptSubmission {
  readonly submission: CallSubmission;
  /** An encoded input part of exactly `calls`; `undefined` when the inputs are in storage. */
  inlineInputs(calls: CallRange): Uint8Array | undefined;
}

/**
 * Checks a submission, so that nothing can fail once it is accepted.
 * @throws InvalidArgumentError `ARGUMENT_INVALID`; SerializationError `DATA_CORRUPT`, `DATA_VERSION`.
 */
export function keepSubmission(submission: CallSubmission): KeptSubmission {
  const { calls, attempt, inlineInputs, part } = submission;
  if (
    !Number.isSafeInteger(calls.from) ||
    !Number.isSafeInteger(calls.to) ||
    calls.from < 0 ||
    calls.from >= calls.to
  ) {
    throw invalid(submission, 'the range of calls is empty or not made of call ids');
  }
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw invalid(submission, 'attempts are numbered from 1');
  if (inlineInputs === undefined) {
    if (part === undefined) throw invalid(submission, 'it names neither an input part nor inline inputs');
    if (!covers(part.firstCall, part.calls, calls)) throw invalid(submission, 'its input part does not hold its calls');
    return { submission, inlineInputs: () => undefined };
  }
  const decoded = decodeInputPart(inlineInputs);
  if (decoded.part.firstCall !== calls.from || decoded.part.calls !== calls.to - calls.from) {
    throw invalid(submission, 'its inline inputs are not those of exactly its calls');
  }
  return {
    submission,
    inlineInputs({ from, to }) {
      if (from === calls.from && to === calls.to) return inlineInputs;
      const payloads: Uint8Array[] = [];
      for (let callId = from; callId < to; callId += 1) payloads.push(decoded.payload(callId));
      return encodeInputPart(from, payloads);
    },
  };
}

const covers = (first: number, count: number, calls: CallRange): boolean =>
  first <= calls.from && calls.to <= first + count;

function invalid({ job, calls, attempt }: CallSubmission, why: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `Calls cannot be submitted: ${why} [job=${formatJobId(job)}, from=${calls.from}, to=${calls.to}, attempt=${attempt}].`,
  );
}
