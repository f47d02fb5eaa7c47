/**
 * Reads a stream over a connection that may break: attaches again where it left off.
 *
 * It finds out how far the stream goes by a *mark*: a message of its own that it publishes and waits for. What was
 * confirmed to anyone before comes before it.
 *
 * Modes: *starting* (until the first attachment; trouble rejects `start`), *attached*, *broken* (told once, then attaches
 * again for as long as it takes; a stream that is gone is made anew), *stopped* (final).
 */
import { randomUUID } from 'node:crypto';
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { MonitoringError, pause, type Clock, type StatusMessage } from '@splitrock/core/plugin';
import type { RabbitmqConnection } from './rabbitmq-connection.ts';
import { offsetOf, publishTo, readMessage } from './status-stream.ts';
import type { StreamRegistry } from './stream-registry.ts';

/** Messages on their way to us that we have not taken yet. */
const PREFETCH = 200;
const PAUSE_AFTER_REFUSAL_MS = 5_000;
const NOTHING = new Uint8Array();

export interface StreamConsumerSetup {
  readonly stream: string;
  /** Where to begin: with the first message, or with what comes from now on. */
  readonly from: 'first' | 'next';
  readonly connection: RabbitmqConnection;
  readonly registry: StreamRegistry;
  readonly clock: Clock;
  readonly onMessage: (jobNumber: number, message: StatusMessage) => void;
  readonly onTrouble: (error: Error) => void;
}

interface Mark {
  readonly resolve: (offset: number) => void;
  readonly reject: (error: Error) => void;
}

export class StreamConsumer {
  readonly #setup: StreamConsumerSetup;
  readonly #stopping = new AbortController();
  readonly #marks = new Map<string, Mark>();
  #from: 'first' | 'next';
  /** Offset of the last message that was taken. */
  #last: number | undefined;
  #channel: ConfirmChannel | undefined;
  #onBroken: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(setup: StreamConsumerSetup) {
    this.#setup = setup;
    this.#from = setup.from;
  }

  get connected(): boolean {
    return this.#channel !== undefined;
  }

  /** Attaches; from then on nothing is missed. True when it made the stream. */
  async start(options: { readonly patienceMs: number; readonly signal?: AbortSignal | undefined }): Promise<boolean> {
    const signals = options.signal === undefined ? [] : [options.signal];
    const made = await this.#setup.connection.run('subscribe to status', (model) => this.#attach(model), {
      patienceMs: options.patienceMs,
      signal: AbortSignal.any([this.#stopping.signal, ...signals]),
    });
    this.#running = this.#keepAttached();
    return made;
  }

  /** Resolves once all that is in the stream now was taken. */
  async catchUp(patienceMs: number): Promise<void> {
    await this.#setup.connection.run('catch up with status', () => this.#mark(), {
      patienceMs,
      signal: this.#stopping.signal,
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The consumer was stopped.'));
    const channel = this.#channel;
    this.#broken();
    await channel?.close().catch(() => undefined);
    await this.#running;
  }

  async #keepAttached(): Promise<void> {
    const { connection, clock, onTrouble } = this.#setup;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (this.#channel !== undefined) {
        await new Promise<void>((resolve) => (this.#onBroken = resolve));
        if (signal.aborted || connection.closing.aborted) return;
        onTrouble(connection.trouble('follow status'));
      }
      try {
        await connection.run('follow status', (model) => this.#attach(model), { patienceMs: Infinity, signal });
      } catch (error) {
        if (signal.aborted || connection.closing.aborted) return;
        onTrouble(error as Error);
        await pause(clock, PAUSE_AFTER_REFUSAL_MS, { signal }).catch(() => undefined);
      }
    }
  }

  async #attach(model: ChannelModel): Promise<boolean> {
    const { registry, stream } = this.#setup;
    const made = await registry.ensureStream(model, stream);
    if (made) this.#beginAnew();
    const resumed = this.#last;
    const channel = await this.#open(model);
    const offset = resumed === undefined ? this.#from : resumed + 1;
    await channel.consume(stream, (message) => this.#take(channel, message), {
      arguments: { 'x-stream-offset': offset },
    });
    if (this.#stopping.signal.aborted) await channel.close();
    this.#stopping.signal.throwIfAborted();
    this.#channel = channel;
    if (made) return true;
    // Fixes the place where to go on, and shows whether it is the stream that we knew.
    const at = await this.#mark();
    if (resumed !== undefined && at <= resumed) await this.#startOver(channel);
    return false;
  }

  async #open(model: ChannelModel): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel();
    channel.setMaxListeners(0);
    channel.on('error', () => undefined);
    channel.on('close', () => {
      if (this.#channel === channel) this.#broken();
    });
    await channel.prefetch(PREFETCH);
    return channel;
  }

  #take(channel: ConfirmChannel, message: ConsumeMessage | null): void {
    if (this.#stopping.signal.aborted) return;
    if (message === null) {
      // The stream was removed under our feet; what follows a break makes it anew.
      void channel.close().catch(() => undefined);
      return;
    }
    channel.ack(message);
    const offset = offsetOf(message);
    if (this.#last !== undefined && offset <= this.#last && !this.#isMark(message)) return;
    this.#last = Math.max(offset, this.#last ?? 0);
    const found = readMessage(message);
    if (found !== undefined) this.#setup.onMessage(found.jobNumber, found.message);
    else this.#marks.get(String(message.properties.messageId))?.resolve(offset);
  }

  #isMark({ properties }: ConsumeMessage): boolean {
    return this.#marks.has(String(properties.messageId));
  }

  /** Publishes a mark and waits until it comes back; gives its offset. */
  async #mark(): Promise<number> {
    const { stream, clock } = this.#setup;
    const channel = this.#channel;
    if (channel === undefined) throw new Error('The connection is broken.');
    const messageId = randomUUID();
    const seen = new Promise<number>((resolve, reject) => this.#marks.set(messageId, { resolve, reject }));
    // Whoever breaks off the connection rejects it, perhaps before it is waited for.
    seen.catch(() => undefined);
    try {
      const timestamp = Math.floor(clock.now() / 1_000);
      if (!(await publishTo(channel, stream, NOTHING, { messageId, timestamp })))
        throw new Error('The stream is gone.');
      return await seen;
    } finally {
      this.#marks.delete(messageId);
    }
  }

  /** Another stream has our stream's name: the broker lost ours, and a worker made one anew. */
  async #startOver(channel: ConfirmChannel): Promise<never> {
    this.#beginAnew();
    await channel.close();
    throw new Error('The stream was replaced.');
  }

  #beginAnew(): void {
    if (this.#last !== undefined) this.#setup.onTrouble(lost(this.#setup.stream, this.#last));
    this.#last = undefined;
    this.#from = 'first';
  }

  #broken(): void {
    this.#channel = undefined;
    for (const { reject } of this.#marks.values()) reject(new Error('The connection broke.'));
    this.#onBroken?.();
  }
}

const lost = (stream: string, last: number): MonitoringError =>
  new MonitoringError(
    'MONITORING_UNAVAILABLE',
    `The broker lost a stream of status [stream=${stream}, offset=${last}]: it was deleted, or the broker lost its disk. ` +
      'What was delivered before stays; calls whose outcome it held are run again when their worker is found gone.',
    { details: { stream, last } },
  );
