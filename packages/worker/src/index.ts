/** The worker runtime, and what backends need to start one and talk to it. */
export { FrameChannel, type FrameChannelHandlers, type FrameChannelOptions } from './channel/frame-channel.ts';
export { DEFAULT_MAX_FRAME_BYTES, FRAME_HEADER_BYTES, FrameDecoder, encodeFrame } from './channel/frame-decoder.ts';
export { removeWorkerDirectory } from './runtime/worker-directory.ts';
export { DEFAULT_DRAIN_GRACE_MS, WorkerRuntime, type WorkerRuntimeOptions } from './runtime/worker-runtime.ts';
export { workerMainUrl } from './worker-main-url.ts';
