/**
 * A private, framed, two-way connection between two processes over a pipe or socket.
 *
 * Used between a worker and its slot processes, and by backends that talk to a worker over an inherited descriptor.
 * Frames arrive whole and in order, or the channel closes; it never delivers a part of one.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { InvalidArgumentError, SerializationError } from '@splitrock/core/plugin';
import { DEFAULT_MAX_FRAME_BYTES, FRAME_HEADER_BYTES, FrameDecoder } from './frame-decoder.ts';

export interface FrameChannelHandlers {
  /** One whole payload; a view that stays valid. It must not throw. */
  onFrame(payload: Buffer): void;
  /** Called once. `error` is absent when the peer ended the stream between two frames or this side closed it. */
  onClose(error?: Error): void;
}

export interface FrameChannelOptions {
  /** Payloads above this many bytes are refused on both sides. @defaultValue 1 GiB */
  readonly maxFrameBytes?: number;
}

export class FrameChannel {
  readonly #stream: Duplex;
  readonly #decoder: FrameDecoder;
  readonly #maxFrameBytes: number;
  readonly #handlers: FrameChannelHandlers;
  #corked = false;
  #closed = false;

  constructor(stream: Duplex, handlers: FrameChannelHandlers, options: FrameChannelOptions = {}) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
    this.#decoder = new FrameDecoder(this.#maxFrameBytes);
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('end', () => this.#ended());
    stream.on('error', (error) => this.#finish(error));
    stream.on('close', () => this.#finish());
  }

  /** A channel over a descriptor that this process inherited: a socket, or one end of a `pipe` of `spawn`. */
  static fromDescriptor(fd: number, handlers: FrameChannelHandlers, options?: FrameChannelOptions): FrameChannel {
    return new FrameChannel(new Socket({ fd, readable: true, writable: true }), handlers, options);
  }

  /** Bytes accepted by {@link send} that the peer's side has not taken yet; for senders that must not run ahead. */
  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  /**
   * Queues a frame; frames of one turn of the event loop leave together. Returns false when the channel is closed.
   * The payload must not be changed afterwards.
   * @throws InvalidArgumentError `ARGUMENT_INVALID` for a payload above the limit.
   */
  send(payload: Uint8Array): boolean {
    if (payload.length > this.#maxFrameBytes) {
      throw new InvalidArgumentError(
        'ARGUMENT_INVALID',
        `A message between processes is too large [bytes=${payload.length}, limit=${this.#maxFrameBytes}].`,
      );
    }
    if (this.#closed || this.#stream.writableEnded) return false;
    this.#cork();
    const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
    header.writeUInt32LE(payload.length, 0);
    this.#stream.write(header);
    this.#stream.write(payload);
    return true;
  }

  /** Resolves once everything sent so far was handed to the operating system, or the channel is closed. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed || this.#stream.writableEnded) resolve();
      else this.#stream.write(new Uint8Array(), () => resolve());
    });
  }

  /** Sends what was queued, then ends; nothing is received any more. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#stream.end(() => this.#stream.destroy());
    this.#finish();
  }

  /** Drops the connection at once. Idempotent. */
  destroy(): void {
    this.#stream.destroy();
    this.#finish();
  }

  /** Whether this connection alone keeps the process running. */
  setKeepAlive(keepAlive: boolean): void {
    if (!(this.#stream instanceof Socket)) return;
    if (keepAlive) this.#stream.ref();
    else this.#stream.unref();
  }

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#stream.uncork();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#closed) return;
    let payloads: Buffer[];
    try {
      payloads = this.#decoder.push(chunk);
    } catch (error) {
      this.#stream.destroy();
      this.#finish(error as Error);
      return;
    }
    for (const payload of payloads) this.#handlers.onFrame(payload);
  }

  #ended(): void {
    const cut = this.#decoder.bufferedBytes;
    this.#finish(
      cut === 0
        ? undefined
        : new SerializationError('DATA_CORRUPT', `The other process ended in the middle of a message [bytes=${cut}].`),
    );
  }

  #finish(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.onClose(error);
  }
}
