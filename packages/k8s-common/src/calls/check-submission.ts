import { InvalidArgumentError, decodeInputPart, formatJobId, type CallSubmission } from '@splitrock/core/plugin';

/**
 * Refuses what no worker could run, before any of it is in the queue.
 * @throws InvalidArgumentError `ARGUMENT_INVALID`; SerializationError `DATA_CORRUPT`, `DATA_VERSION`.
 */
export function checkSubmission(submission: CallSubmission): void {
  const { calls, attempt, inlineInputs, part } = submission;
  const { from, to } = calls;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from >= to) {
    throw invalid(submission, 'the range of calls is empty or not made of call ids');
  }
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw invalid(submission, 'attempts are numbered from 1');
  if (inlineInputs === undefined) {
    if (part === undefined) throw invalid(submission, 'it names neither an input part nor inline inputs');
    if (part.firstCall > from || to > part.firstCall + part.calls) {
      throw invalid(submission, 'its input part does not hold its calls');
    }
    return;
  }
  const inline = decodeInputPart(inlineInputs).part;
  if (inline.firstCall !== from || inline.calls !== to - from) {
    throw invalid(submission, 'its inline inputs are not those of exactly its calls');
  }
}

function invalid({ job, calls, attempt }: CallSubmission, why: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `Calls cannot be submitted: ${why} [job=${formatJobId(job)}, from=${calls.from}, to=${calls.to}, attempt=${attempt}].`,
  );
}
