/**
 * The pool's log: what clients and workers must know of jobs, whenever they come. A stream in the broker; an entry is an
 * envelope of kind M, `{ v: 1, type: 'cancel', job: ["x1y2z3a4b5c6", 7], … }`, whose body is a job's descriptor for
 * entries of type `job`. A reader skips types that it does not know.
 */
import {
  decodeEnvelope,
  encodeEnvelope,
  type CallRange,
  type JobRef,
  type LossReason,
  type RuntimeInfo,
} from '@splitrock/core/plugin';

export type LogEntry =
  /** The job's queue is there; said before its first calls, and again by every client that submits to it. */
  | { readonly type: 'job'; readonly job: JobRef; readonly weight: number; readonly descriptor: Uint8Array }
  /** These calls are in the job's queue, for good. */
  | { readonly type: 'submitted'; readonly job: JobRef; readonly calls: CallRange; readonly attempt: number }
  /** Calls are in the job's queue again: a worker gave them back. */
  | { readonly type: 'returned'; readonly job: JobRef }
  | CancelEntry
  /** No more calls are expected; what is in the queue still runs. */
  | { readonly type: 'ended'; readonly job: JobRef }
  /** The job's queue is gone. */
  | { readonly type: 'removed'; readonly job: JobRef }
  | LostEntry
  | HeldEntry
  /** The worker has a queue of its own for calls of the job that run long; said before there is one. */
  | { readonly type: 'kept'; readonly job: JobRef; readonly workerId: string }
  | WorkerStarted
  | { readonly type: 'worker-stopped'; readonly workerId: string };

/** Concerns what was submitted until `atMs`; the whole job unless narrowed. */
export interface CancelEntry {
  readonly type: 'cancel';
  readonly job: JobRef;
  readonly atMs: number;
  /** How long what runs may go on. */
  readonly graceMs: number;
  readonly calls?: readonly CallRange[];
  readonly attempt?: number;
}

/** These attempts end without a status. */
export interface LostEntry {
  readonly type: 'lost';
  readonly job: JobRef;
  readonly calls: readonly CallRange[];
  readonly attempt: number;
  readonly reason: LossReason;
}

/**
 * The worker holds these messages, by their ids. Said only of messages that came back before, and before their calls begin:
 * if the worker vanishes without a word, it died with them.
 */
export interface HeldEntry {
  readonly type: 'held';
  readonly job: JobRef;
  readonly workerId: string;
  readonly messages: readonly string[];
}

/** The worker takes calls from here on. */
export interface WorkerStarted {
  readonly type: 'worker-started';
  readonly workerId: string;
  readonly slots: number;
  readonly runtime: RuntimeInfo;
}

export function encodeLogEntry(entry: LogEntry): Buffer {
  const { job, descriptor, ...rest } = entry as { job?: JobRef; descriptor?: Uint8Array };
  const header = { v: 1, ...rest, ...(job === undefined ? {} : { job: [job.executorId, job.jobNumber] }) };
  return Buffer.from(encodeEnvelope('M', header, descriptor === undefined ? [] : [descriptor]));
}

/** `undefined` for what this version does not know. @throws SerializationError `DATA_CORRUPT`, `DATA_VERSION`. */
export function decodeLogEntry(bytes: Uint8Array): LogEntry | undefined {
  const { header, body } = decodeEnvelope('M', bytes, 'Log entry');
  const { v, job, ...rest } = header as { v: unknown; type: string; job?: [string, number] };
  if (v !== 1 || !TYPES.has(rest.type)) return undefined;
  const ref = job === undefined ? {} : { job: { executorId: job[0], jobNumber: job[1] } };
  return { ...rest, ...ref, ...(rest.type === 'job' ? { descriptor: body } : {}) } as unknown as LogEntry;
}

const TYPES: ReadonlySet<string> = new Set<LogEntry['type']>([
  'job',
  'submitted',
  'returned',
  'cancel',
  'ended',
  'removed',
  'lost',
  'held',
  'kept',
  'worker-started',
  'worker-stopped',
]);
