/** The worker half of a backend that holds a byte stream to each of its workers. */
import {
  formatJobId,
  type CallLease,
  type CallReceiver,
  type CallSource,
  type JobRef,
  type LossReason,
  type StatusEvent,
} from '@splitrock/core/plugin';
import type { Duplex } from 'node:stream';
import { FrameChannel } from '../channel/frame-channel.ts';
import type { LeaseInstruction } from './dispatch/dispatch-events.ts';
import { AnswerBatch } from './protocol/answer-batch.ts';
import { decodeMessage, encodeMessage, type BackendMessage, type WorkerMessage } from './protocol/messages.ts';

/**
 * Takes calls from a `StreamDispatch` at the other end of a stream.
 *
 * When the stream ends nobody waits for what runs here: the worker is told to leave at once.
 *
 * @example
 * ```ts
 * createCallSource: () => new StreamCallSource(() => new Socket({ fd: 4 })),
 * ```
 */
export class StreamCallSource implements CallSource {
  readonly #open: () => Duplex;
  readonly #batch = new AnswerBatch();
  /** By job id; the backend sends each once. */
  readonly #descriptors = new Map<string, Uint8Array>();
  #channel: FrameChannel | undefined;
  #receiver: CallReceiver | undefined;
  #capacity = 0;
  #sendScheduled = false;

  /** @param open - this end of the stream; called once, when the worker starts. */
  constructor(open: () => Duplex) {
    this.#open = open;
  }

  async start(receiver: CallReceiver): Promise<void> {
    this.#receiver = receiver;
    this.#channel = new FrameChannel(this.#open(), {
      onFrame: (frame) => {
        if (frame.length > 0) this.#receive(receiver, decodeMessage<BackendMessage>(frame));
      },
      onClose: () => this.#lostPeer(),
    });
    if (this.#capacity > 0) this.setCapacity(this.#capacity);
  }

  setCapacity(calls: number): void {
    this.#capacity = calls;
    this.#send({ type: 'capacity', calls });
  }

  published(job: JobRef, events: readonly StatusEvent[]): void {
    this.#send({ type: 'status', job, events });
  }

  async flush(): Promise<void> {
    this.#sendAnswers();
    await this.#channel?.flush();
  }

  async stop(): Promise<void> {
    if (this.#receiver === undefined) return;
    this.#receiver = undefined;
    this.#sendAnswers();
    this.#channel?.close();
  }

  #receive(receiver: CallReceiver, message: BackendMessage): void {
    switch (message.type) {
      case 'job':
        this.#descriptors.set(formatJobId(message.job), message.descriptor);
        return;
      case 'lease':
        receiver.deliver(this.#toLease(message));
        return;
      case 'cancel':
        receiver.cancel(message.target);
        return;
      case 'end-job':
        this.#descriptors.delete(formatJobId(message.job));
        receiver.endJob(message.job);
        return;
      case 'shutdown':
        receiver.shutdown({ graceMs: message.graceMs, reason: message.reason });
        return;
    }
  }

  #toLease({ leaseId, job, calls, attempt, part, inlineInputs }: LeaseInstruction): CallLease {
    const descriptor = this.#descriptors.get(formatJobId(job));
    return {
      job,
      calls,
      attempt,
      ...(descriptor === undefined ? {} : { descriptor }),
      ...(part === undefined ? {} : { part }),
      ...(inlineInputs === undefined ? {} : { inlineInputs }),
      started: (callId) => this.#answer(() => this.#batch.started(leaseId, callId)),
      done: (callId) => this.#answer(() => this.#batch.done(leaseId, callId)),
      giveBack: (callId, reason?: LossReason) => this.#answer(() => this.#batch.givenBack(leaseId, callId, reason)),
    };
  }

  /** Answers of one turn of the event loop leave together. */
  #answer(add: () => void): void {
    add();
    if (this.#sendScheduled) return;
    this.#sendScheduled = true;
    // Before the channel sends, so that they share a write with the status of their calls.
    queueMicrotask(() => this.#sendAnswers());
  }

  #sendAnswers(): void {
    this.#sendScheduled = false;
    if (!this.#batch.isEmpty) this.#send({ type: 'answers', answers: this.#batch.take() });
  }

  #send(message: WorkerMessage): void {
    this.#channel?.send(encodeMessage(message));
  }

  /** The client ended, was killed, or dropped this worker: nobody waits for what runs here. */
  #lostPeer(): void {
    this.#receiver?.shutdown({ graceMs: 0, reason: 'the client that started this worker is gone' });
  }
}
