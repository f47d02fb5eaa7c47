/**
 * `@splitrock/worker/stream`: the two halves of a backend that holds a byte stream to each of its workers (a pipe, a
 * socket, an ssh channel). What remains for such a backend is to start workers: a `StreamBackend` does the rest, or, for one
 * that keeps the client's contract in its own way, a `StreamDispatch` decides who gets which calls.
 */
export { FrameChannel, type FrameChannelHandlers, type FrameChannelOptions } from '../channel/frame-channel.ts';
export type { CancelTarget, DispatchMessage, LeaseInstruction } from './dispatch/dispatch-events.ts';
export {
  decodeMessage,
  encodeMessage,
  type AnswerTuple,
  type BackendMessage,
  type WorkerMessage,
} from './protocol/messages.ts';
export { StreamBackend, type StreamBackendOptions, type StreamPool, type StreamWorkers } from './stream-backend.ts';
export { StreamCallSource } from './stream-call-source.ts';
export { StreamDispatch, type WorkerPort } from './stream-dispatch.ts';
