/** What users may map over, told apart early: bad input is refused before anything happens. */
import { isDataSet, type DataSet } from '../datasets/data-set.ts';
import { PARTITION_SPEC, isPartition } from '../datasets/partition.ts';
import { describeValue } from '../errors/describe-value.ts';
import { InvalidArgumentError, SerializationError, isSplitrockError } from '../errors/splitrock-error.ts';
import { partitionPayload, pendingPayload, valuePayload } from './input-payload.ts';
import { PackedBytes } from './packed-bytes.ts';
import { RESULT_SOURCE, hasResults, type HasResults, type ResultSource } from './result-source.ts';

type EncodeInput = (value: unknown) => Uint8Array;

/** Inputs as they are after `map` returned. */
export type JobInputs =
  /** All there: encoded at once, so that later changes of the caller's objects are not seen. */
  | { readonly kind: 'eager'; readonly payloads: PackedBytes; readonly pending: readonly PendingInput[] }
  /** Read as the job goes on: so far ahead as the job's options say, or as it says itself. */
  | {
      readonly kind: 'lazy';
      readonly items: Iterator<unknown> | AsyncIterator<unknown>;
      readonly readAhead?: number;
    }
  /** One call per result of another job. */
  | { readonly kind: 'results'; readonly job: HasResults & ManyResults };

/** A call that waits for other calls' results. */
export interface PendingInput {
  readonly callId: number;
  readonly source: ResultSource;
}

/** The part of a job that a job chained on it needs. */
export interface ManyResults {
  /** Resolves to the number of calls once it is final. */
  readonly finalSize: Promise<number>;
  future(callId: number): HasResults;
}

/** Sorts out what `map` was given; a data set is for whoever can look at it. @throws InvalidArgumentError, SerializationError */
export function readInputs(
  inputs: unknown,
  encode: EncodeInput,
): JobInputs | { readonly kind: 'data-set'; readonly dataSet: DataSet } {
  if (isDataSet(inputs)) return { kind: 'data-set', dataSet: inputs };
  if (hasResults(inputs) && 'finalSize' in inputs) return { kind: 'results', job: inputs as HasResults & ManyResults };
  if (Array.isArray(inputs) || inputs instanceof Set || ArrayBuffer.isView(inputs)) {
    return encodeItems(inputs as unknown as Iterable<unknown>, encode);
  }
  if (typeof inputs === 'object' && inputs !== null) {
    if (Symbol.asyncIterator in inputs)
      return { kind: 'lazy', items: (inputs as AsyncIterable<unknown>)[Symbol.asyncIterator]() };
    if (Symbol.iterator in inputs) return { kind: 'lazy', items: (inputs as Iterable<unknown>)[Symbol.iterator]() };
  }
  const hint =
    typeof inputs === 'string' ? ' A text is one value; put it in an array.' : ' For a single call use callAsync.';
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `Inputs must be an array, a Set, an iterable, an async iterable, a data set, or a job [got=${describeValue(inputs)}].${hint}`,
  );
}

/** Encodes items from call id 0 on. @throws SerializationError naming the item that cannot travel. */
export function encodeItems(items: Iterable<unknown>, encode: EncodeInput): Extract<JobInputs, { kind: 'eager' }> {
  const payloads = new PackedBytes();
  const pending: PendingInput[] = [];
  for (const item of items) {
    if (hasResults(item)) pending.push({ callId: payloads.length, source: item[RESULT_SOURCE] });
    payloads.add(encodeItem(item, payloads.length, encode));
  }
  return { kind: 'eager', payloads, pending };
}

/** One item's payload; other calls' results become a pending reference. */
export function encodeItem(item: unknown, callId: number, encode: EncodeInput): Uint8Array {
  if (hasResults(item)) return pendingPayload(item[RESULT_SOURCE].ref);
  if (isPartition(item)) return partitionPayload(item[PARTITION_SPEC]);
  if (isDataSet(item)) {
    const message = `Input ${callId} is a data set, which is many inputs; give it to map or mapReduce as it is, without an array around it.`;
    throw new InvalidArgumentError('ARGUMENT_INVALID', message, { details: { callId } });
  }
  try {
    return valuePayload(encode(item));
  } catch (cause) {
    const code = isSplitrockError(cause) ? cause.code : 'SERIALIZE_UNSUPPORTED';
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SerializationError(code, `Input ${callId} cannot travel: ${why}`, { cause, details: { callId } });
  }
}
