/**
 * The job descriptor: what a worker, or a client that attaches, must know of a job. Constant in size, however many
 * calls the job has. Stored at {@link jobDescriptorKey} as an envelope of kind J whose body holds the captured values
 * when they are small, and after them the inputs when those are very small.
 */
import { z } from 'zod';
import { SerializationError } from '../errors/splitrock-error.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const headerSchema = z.object({
  v: z.literal(1),
  executorId: z.string().regex(/^[a-z0-9]{12}$/),
  jobNumber: z.int().min(1),
  tenant: z.string(),
  name: z.string(),
  createdAtMs: z.number(),
  /** The function: its artifact, and where its captured values are. */
  function: z.object({
    artifact: sha256,
    environment: z.enum(['inline', 'stored']),
  }),
  /** Number of calls, or null while an iterable is still being read (`inputs-end` then tells). */
  calls: z.int().min(0).nullable(),
  /** Bytes at the body's end that are the input part of all calls; absent: inputs are in storage. */
  inputBytes: z.int().min(1).optional(),
  /** What the worker must know to run a call. */
  run: z.object({
    /** Milliseconds a call may run before it is stopped. */
    timeoutMs: z.number().positive().nullable(),
    /** After the abort signal, how long until SIGTERM; after that, how long until SIGKILL. */
    abortGraceMs: z.number().min(0),
    killGraceMs: z.number().min(0),
    /** Environment variables set while a call runs. */
    env: z.record(z.string(), z.string()),
    memoryMiB: z.number().positive().nullable(),
    /** Slot processes that one call occupies. */
    cpu: z.number().positive(),
    /** Calls a slot takes at a time; null: adapt to how long calls take. */
    chunkSize: z.int().min(1).nullable(),
    maxLogBytes: z.int().min(0),
    inlineResultBytes: z.int().min(0),
    /** Inside how many calls the executor of this job was made; absent: 0, a program's own executor. */
    nestingDepth: z.int().min(0).optional(),
  }),
  /** What a client that attaches must know to go on with the job's policy; opaque to workers. */
  client: z.unknown(),
});

type Header = z.infer<typeof headerSchema>;

export interface JobDescriptor extends Omit<Header, 'v' | 'inputBytes'> {
  /** The captured values when `function.environment` is `inline`, else empty. */
  readonly environment: Uint8Array;
  /** The encoded input part of all calls, where it is small enough to need no object of its own. */
  readonly inputs?: Uint8Array;
}

export function encodeJobDescriptor(descriptor: JobDescriptor): Uint8Array {
  const { environment, inputs, ...header } = descriptor;
  if (inputs === undefined) return encodeEnvelope('J', { v: 1, ...header }, [environment]);
  return encodeEnvelope('J', { v: 1, ...header, inputBytes: inputs.length }, [environment, inputs]);
}

/** @throws SerializationError `DATA_CORRUPT`, `DATA_VERSION`. */
export function decodeJobDescriptor(bytes: Uint8Array): JobDescriptor {
  const { header, body } = decodeEnvelope('J', bytes, 'Job descriptor');
  const parsed = headerSchema.safeParse(header);
  if (!parsed.success) {
    throw new SerializationError(
      'DATA_CORRUPT',
      `Job descriptor is damaged: ${z.prettifyError(parsed.error)}; the job must be submitted again.`,
    );
  }
  const { v: _version, inputBytes = 0, ...rest } = parsed.data;
  if (inputBytes === 0) return { ...rest, environment: body };
  if (inputBytes > body.length) {
    throw new SerializationError(
      'DATA_CORRUPT',
      `Job descriptor is cut off [inputBytes=${inputBytes}, bodyBytes=${body.length}]; the job must be submitted again.`,
    );
  }
  const end = body.length - inputBytes;
  return { ...rest, environment: body.subarray(0, end), inputs: body.subarray(end) };
}
