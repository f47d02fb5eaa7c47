/**
 * A job's log in storage: what clients want of it, so that a master which knows nothing can go on. An entry is an envelope of
 * kind M, whose body is the encoded input part of a submission when its inputs are small:
 *
 *     { v: 1, at: 1730000000000.25, token: "<sha256>", submit: { calls: [0, 100], attempt: 1, part: [0, 1000] } }
 *     { v: 1, at: …, cancel: { calls: [[3, 5]], graceMs: 0 } }
 *     { v: 1, at: …, end: true }
 */
import {
  SerializationError,
  decodeEnvelope,
  encodeEnvelope,
  type CallRange,
  type InputPart,
} from '@splitrock/core/plugin';
import { z } from 'zod';
import { attemptNumber, count, fromRange, rangeTuple, toRange } from './wire-schemas.ts';

export interface LogEntry {
  /** By the client's clock, and later than all before of this client. */
  readonly atMs: number;
  /** Hash of the secret of workers that this client starts; in its first entry. */
  readonly workerTokenHash?: string;
  readonly submit?: LoggedSubmission;
  readonly cancel?: LoggedCancellation;
  readonly end?: true;
}

export interface LoggedSubmission {
  readonly calls: CallRange;
  readonly attempt: number;
  readonly part?: InputPart;
  /** An encoded input part of exactly {@link calls}. */
  readonly inlineInputs?: Uint8Array;
  readonly avoidWorkers?: readonly string[];
}

export interface LoggedCancellation {
  readonly calls?: readonly CallRange[];
  readonly attempt?: number;
  readonly graceMs: number;
}

const header = z.strictObject({
  v: z.literal(1),
  at: z.number(),
  token: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  submit: z
    .strictObject({
      calls: rangeTuple,
      attempt: attemptNumber,
      part: z.tuple([count, z.int().min(1)]).exactOptional(),
      avoid: z.array(z.string()).exactOptional(),
    })
    .exactOptional(),
  cancel: z
    .strictObject({
      calls: z.array(rangeTuple).exactOptional(),
      attempt: attemptNumber.exactOptional(),
      graceMs: z.number().min(0),
    })
    .exactOptional(),
  end: z.literal(true).exactOptional(),
});

export function encodeLogEntry({ atMs, workerTokenHash, submit, cancel, end }: LogEntry): Uint8Array {
  const head: z.input<typeof header> = {
    v: 1,
    at: atMs,
    ...(workerTokenHash === undefined ? {} : { token: workerTokenHash }),
    ...(submit === undefined ? {} : { submit: submissionHeader(submit) }),
    ...(cancel === undefined ? {} : { cancel: cancellationHeader(cancel) }),
    ...(end === undefined ? {} : { end }),
  };
  return encodeEnvelope('M', head, submit?.inlineInputs === undefined ? [] : [submit.inlineInputs]);
}

/** @throws SerializationError `DATA_CORRUPT`, `DATA_VERSION`. */
export function decodeLogEntry(bytes: Uint8Array): LogEntry {
  const { header: raw, body } = decodeEnvelope('M', bytes, 'Log entry of a job');
  const parsed = header.safeParse(raw);
  if (!parsed.success) {
    throw new SerializationError('DATA_CORRUPT', `Log entry of a job is damaged: ${z.prettifyError(parsed.error)}.`);
  }
  const { at, token, submit, cancel, end } = parsed.data;
  return {
    atMs: at,
    ...(token === undefined ? {} : { workerTokenHash: token }),
    ...(submit === undefined
      ? {}
      : {
          submit: {
            calls: toRange(submit.calls),
            attempt: submit.attempt,
            ...(submit.part === undefined ? {} : { part: { firstCall: submit.part[0], calls: submit.part[1] } }),
            ...(body.length === 0 ? {} : { inlineInputs: body }),
            ...(submit.avoid === undefined ? {} : { avoidWorkers: submit.avoid }),
          },
        }),
    ...(cancel === undefined
      ? {}
      : {
          cancel: {
            graceMs: cancel.graceMs,
            ...(cancel.calls === undefined ? {} : { calls: cancel.calls.map(toRange) }),
            ...(cancel.attempt === undefined ? {} : { attempt: cancel.attempt }),
          },
        }),
    ...(end === undefined ? {} : { end }),
  };
}

const submissionHeader = ({
  calls,
  attempt,
  part,
  avoidWorkers,
}: LoggedSubmission): NonNullable<z.input<typeof header>['submit']> => ({
  calls: fromRange(calls),
  attempt,
  ...(part === undefined ? {} : { part: [part.firstCall, part.calls] }),
  ...(avoidWorkers === undefined ? {} : { avoid: [...avoidWorkers] }),
});

const cancellationHeader = ({
  calls,
  attempt,
  graceMs,
}: LoggedCancellation): NonNullable<z.input<typeof header>['cancel']> => ({
  graceMs,
  ...(calls === undefined ? {} : { calls: calls.map(fromRange) }),
  ...(attempt === undefined ? {} : { attempt }),
});
