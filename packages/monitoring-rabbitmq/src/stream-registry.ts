/**
 * Makes and removes streams, so that none stays behind.
 *
 * RabbitMQ's queues can expire, its streams cannot. So whoever makes a stream leaves a note of it in a queue of the
 * tenant, `splitrock.<tenant>.status-streams`. Removing a stream takes its note away; a client that makes a stream looks
 * through the notes and removes the streams that were idle for too long. The queue goes with its last note.
 */
import type { ChannelModel, GetMessage } from 'amqplib';
import { pause, type Clock, type Logger } from '@splitrock/core/plugin';
import { isLocked, isNotFound } from './rabbitmq-errors.ts';
import { makeStream, publishTo, streamExists, withChannel } from './status-stream.ts';

const HOUR_MS = 3_600_000;
/** Longer than streams are kept by default; the queue is used whenever a stream is made or removed. */
const QUEUE_EXPIRES_MS = 40 * 24 * HOUR_MS;
/** More notes than this are left for the next sweep. */
const NOTES_PER_SWEEP = 500;
const LAST_MESSAGE_WITHIN_MS = 2_000;
/** Another's sweep is over in a moment; if not, the next client does this one. */
const SWEEP_TRIES = 20;
const SWEEP_AGAIN_MS = 250;
const NOTHING = new Uint8Array();

export interface StreamRegistryDeps {
  readonly tenant: string;
  /** Once it aborts, a sweep waits for nothing any more. */
  readonly closing: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class StreamRegistry {
  readonly #queue: string;
  readonly #keepForHours: number;
  readonly #closing: AbortSignal;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(keepForHours: number, { tenant, closing, clock, logger }: StreamRegistryDeps) {
    this.#queue = `splitrock.${tenant}.status-streams`;
    this.#keepForHours = keepForHours;
    this.#closing = closing;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Makes the stream unless it is there; true when it was not. */
  async ensureStream(model: ChannelModel, stream: string): Promise<boolean> {
    if (await streamExists(model, stream)) return false;
    // The note first: a stream without one would never go by itself.
    await this.#note(model, stream);
    await makeStream(model, stream, this.#keepForHours);
    return true;
  }

  /** Removes these streams with their notes; gives the number of those that were there. */
  async remove(model: ChannelModel, streams: readonly string[]): Promise<number> {
    let removed = 0;
    for (const stream of streams) {
      if (!(await streamExists(model, stream))) continue;
      await withChannel(model, (channel) => channel.deleteQueue(stream));
      removed += 1;
    }
    await this.sweep(model, new Set(streams));
    return removed;
  }

  /** Removes streams that were idle for too long, and notes of those that are gone. Trouble is logged only. */
  sweep(model: ChannelModel, gone: ReadonlySet<string> = new Set()): Promise<void> {
    this.#sweeping = this.#sweeping.then(async () => {
      try {
        await this.#sweepInTurn(model, gone);
      } catch (error) {
        if (!isNotFound(error)) this.#logger.debug('Old status streams not removed', { error: String(error) });
      }
    });
    return this.#sweeping;
  }

  async #sweepInTurn(model: ChannelModel, gone: ReadonlySet<string>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#alone(model, async () => {
          if (await this.#sweep(model, gone)) await this.#removeQueue(model);
        });
        return;
      } catch (error) {
        if (!isLocked(error) || tries === SWEEP_TRIES) throw error;
      }
      await pause(this.#clock, SWEEP_AGAIN_MS, { signal: this.#closing });
    }
  }

  /**
   * One sweep of a tenant at a time: notes that another one has in its hands do not count when it is seen whether the
   * queue is empty. The lock is a queue that belongs to this connection and ends with it.
   */
  #alone(model: ChannelModel, work: () => Promise<void>): Promise<void> {
    return withChannel(model, async (channel) => {
      await channel.assertQueue(`${this.#queue}.sweep`, { exclusive: true, durable: false });
      await work();
      await channel.deleteQueue(`${this.#queue}.sweep`);
    });
  }

  async #note(model: ChannelModel, stream: string): Promise<void> {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    const properties = {
      messageId: stream,
      timestamp: Math.floor(this.#clock.now() / 1_000),
      headers: { stream },
    };
    const queue = { durable: true, arguments: { 'x-expires': QUEUE_EXPIRES_MS } };
    // Again if the queue went with its last note in between.
    do await channel.assertQueue(this.#queue, queue);
    while (!(await publishTo(channel, this.#queue, NOTHING, properties)));
    await channel.close();
  }

  /** True when no note is left. */
  #sweep(model: ChannelModel, gone: ReadonlySet<string>): Promise<boolean> {
    return withChannel(model, async (channel) => {
      const left: GetMessage[] = [];
      let looked = 0;
      let note = await channel.get(this.#queue);
      for (; note !== false && looked < NOTES_PER_SWEEP; note = await channel.get(this.#queue)) {
        looked += 1;
        if (await this.#isDone(model, note, gone)) channel.ack(note);
        else left.push(note);
      }
      if (note !== false) left.push(note);
      // Told in so many words: what a channel leaves behind as it closes returns to its place a moment too late.
      for (const each of left) channel.nack(each, false, true);
      return left.length === 0;
    });
  }

  /** Whether a note is of no more use; removes its stream if that was idle for too long. */
  async #isDone(model: ChannelModel, note: GetMessage, gone: ReadonlySet<string>): Promise<boolean> {
    const stream = note.properties.headers?.['stream'] as unknown;
    if (typeof stream !== 'string' || gone.has(stream)) return true;
    if (!this.#isLongAgo(note.properties.timestamp as unknown)) return false;
    if (!(await streamExists(model, stream))) return true;
    if (!this.#isLongAgo(await this.#lastTimestamp(model, stream))) return false;
    await withChannel(model, (channel) => channel.deleteQueue(stream));
    this.#logger.info('An abandoned status stream was removed', { stream });
    return true;
  }

  #isLongAgo(timestamp: unknown): boolean {
    return typeof timestamp !== 'number' || this.#clock.now() - timestamp * 1_000 > this.#keepForHours * HOUR_MS;
  }

  async #removeQueue(model: ChannelModel): Promise<void> {
    try {
      await withChannel(model, (channel) => channel.deleteQueue(this.#queue, { ifEmpty: true, ifUnused: true }));
    } catch {
      // Somebody has just left a note.
    }
  }

  /** When the last message of a stream was published, in seconds; `undefined` for a stream without messages. */
  #lastTimestamp(model: ChannelModel, stream: string): Promise<number | undefined> {
    return withChannel(model, async (channel) => {
      await channel.prefetch(1);
      const last = new Promise<number>((resolve, reject) => {
        const onMessage = (message: { readonly properties: { readonly timestamp?: unknown } } | null): void =>
          resolve(Number(message?.properties.timestamp ?? 0));
        channel.consume(stream, onMessage, { arguments: { 'x-stream-offset': 'last' } }).catch(reject);
      });
      const found = new AbortController();
      const silence = pause(this.#clock, LAST_MESSAGE_WITHIN_MS, {
        signal: AbortSignal.any([this.#closing, found.signal]),
      });
      try {
        return await Promise.race([last, silence.then(() => undefined)]);
      } finally {
        found.abort();
      }
    });
  }
}
