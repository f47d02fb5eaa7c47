/**
 * What a backend and its worker say to each other over a private stream: plain data by structured clone, one message a
 * frame. Both ends are this package's own code in one version, so shapes are not checked again. An empty frame says
 * nothing but that its sender is alive.
 */
import { deserialize, serialize } from 'node:v8';
import {
  decodeStatusSegment,
  encodeStatusSegment,
  type JobRef,
  type LossReason,
  type StatusEvent,
} from '@splitrock/core/plugin';
import type { DispatchMessage } from '../dispatch/dispatch-events.ts';

/** From the backend to its worker; made by `StreamDispatch`, read by `StreamCallSource`. */
export type BackendMessage =
  DispatchMessage | { readonly type: 'shutdown'; readonly graceMs: number; readonly reason: string };

/** From the worker to its backend; made by `StreamCallSource`, read by `StreamDispatch`. */
export type WorkerMessage =
  | { readonly type: 'capacity'; readonly calls: number }
  /** Events that are durable; always before the answer `done` of the calls that they end. */
  | { readonly type: 'status'; readonly job: JobRef; readonly events: readonly StatusEvent[] }
  /** In this order; see {@link AnswerTuple}. */
  | { readonly type: 'answers'; readonly answers: readonly AnswerTuple[] };

/** `[kind, lease id, first call, past the last call]`, and for calls given back because they were lost the reason. */
export type AnswerTuple = readonly [
  kind: 'started' | 'done' | 'given-back',
  leaseId: number,
  from: number,
  to: number,
  reason?: LossReason,
];

/** Status as it is stored: the codec for a job's million events. */
interface PackedStatus {
  readonly type: 'packed-status';
  readonly job: JobRef;
  readonly segment: Uint8Array;
}

/** The payload of a message's frame. */
export function encodeMessage(message: BackendMessage | WorkerMessage): Uint8Array {
  return serialize(message.type === 'status' ? packStatus(message) : message);
}

/** The message in a frame's payload. */
export function decodeMessage<Message extends BackendMessage | WorkerMessage>(frame: Uint8Array): Message {
  const message = deserialize(frame) as Message | PackedStatus;
  if (message.type !== 'packed-status') return message;
  const { job, segment } = message;
  return { type: 'status', job, events: decodeStatusSegment(segment) } as WorkerMessage as Message;
}

function packStatus({ job, events }: WorkerMessage & { readonly type: 'status' }): PackedStatus {
  return { type: 'packed-status', job, segment: encodeStatusSegment(events[0]?.workerId ?? '', events) };
}
