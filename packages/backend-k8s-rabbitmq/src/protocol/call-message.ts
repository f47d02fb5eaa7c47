/**
 * A message of a job's queue: a contiguous range of calls of one attempt, and their inputs or where those are. An envelope
 * of kind M whose body is the encoded input part when the inputs are small:
 *
 *     { v: 1, job: ["x1y2z3a4b5c6", 7], calls: [100, 200], attempt: 1, at: 1730000000000.25, deaths: 0, part: [0, 1000] }
 */
import {
  SerializationError,
  cutInputPart,
  decodeEnvelope,
  encodeEnvelope,
  type CallRange,
  type InputPart,
  type JobRef,
} from '@splitrock/core/plugin';
import { z } from 'zod';

export interface CallMessage {
  readonly job: JobRef;
  readonly calls: CallRange;
  readonly attempt: number;
  /** When it was submitted, by the client's clock; a cancellation concerns what was submitted before it. */
  readonly submittedAtMs: number;
  /** Workers that died holding these calls when they were in other messages; those of this one are on record (source/death-record.ts). */
  readonly deaths: number;
  readonly part?: InputPart;
  /** An encoded input part of exactly {@link calls}. */
  readonly inlineInputs?: Uint8Array;
  /** Workers that would rather not run these calls. */
  readonly avoidWorkers?: readonly string[];
}

const count = z.int().min(0);

const headerSchema = z.object({
  v: z.literal(1),
  job: z.tuple([z.string().regex(/^[a-z0-9]{12}$/), z.int().min(1)]),
  calls: z.tuple([count, count]).refine(([from, to]) => from < to),
  attempt: z.int().min(1),
  at: z.number(),
  deaths: count,
  part: z.tuple([count, z.int().min(1)]).optional(),
  avoid: z.array(z.string()).optional(),
});

export function encodeCallMessage(message: CallMessage): Buffer {
  const { job, calls, attempt, submittedAtMs, deaths, part, inlineInputs, avoidWorkers } = message;
  const header: z.input<typeof headerSchema> = {
    v: 1,
    job: [job.executorId, job.jobNumber],
    calls: [calls.from, calls.to],
    attempt,
    at: submittedAtMs,
    deaths,
    ...(part === undefined ? {} : { part: [part.firstCall, part.calls] }),
    ...(avoidWorkers === undefined ? {} : { avoid: [...avoidWorkers] }),
  };
  return asBuffer(encodeEnvelope('M', header, inlineInputs === undefined ? [] : [inlineInputs]));
}

/** @throws SerializationError `DATA_CORRUPT`, `DATA_VERSION`. */
export function decodeCallMessage(bytes: Uint8Array): CallMessage {
  const { header, body } = decodeEnvelope('M', bytes, 'Call message');
  const parsed = headerSchema.safeParse(header);
  if (!parsed.success) {
    throw new SerializationError('DATA_CORRUPT', `Call message is damaged: ${z.prettifyError(parsed.error)}.`);
  }
  const { job, calls, attempt, at, deaths, part, avoid } = parsed.data;
  return {
    job: { executorId: job[0], jobNumber: job[1] },
    calls: { from: calls[0], to: calls[1] },
    attempt,
    submittedAtMs: at,
    deaths,
    ...(part === undefined ? {} : { part: { firstCall: part[0], calls: part[1] } }),
    ...(body.length === 0 ? {} : { inlineInputs: body }),
    ...(avoid === undefined ? {} : { avoidWorkers: avoid }),
  };
}

/** The message cut down to a part of its calls, with exactly their inputs. */
export function narrowMessage(message: CallMessage, calls: CallRange): CallMessage {
  const { inlineInputs } = message;
  return inlineInputs === undefined
    ? { ...message, calls }
    : { ...message, calls, inlineInputs: cutInputPart(inlineInputs, calls) };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
