/**
 * Reads and writes the pool's log. A reader gets every entry from its beginning, in order; after a reconnect it goes on
 * behind the last one it had.
 */
import { randomUUID } from 'node:crypto';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { formatJobId, type JobRef, type Logger } from '@splitrock/core/plugin';
import { decodeLogEntry, encodeLogEntry, type LogEntry } from '../protocol/log-entry.ts';
import type { ConfirmedPublisher, PublishOutcome } from './confirmed-publisher.ts';
import type { Topology } from './topology.ts';

/** Entries that the broker sends ahead of what was read. */
const READ_AHEAD = 500;

export interface PoolLogDeps {
  readonly topology: Topology;
  readonly publisher: ConfirmedPublisher;
  readonly logger: Logger;
  /** Entries in order; those of before first. */
  onEntry(entry: LogEntry): void;
}

export class PoolLog {
  readonly #deps: PoolLogDeps;
  #nextOffset = 0;
  /** Marks of {@link catchUp} that were not read yet. */
  readonly #marks = new Map<string, () => void>();
  /** Workers that have queues of their own for calls of a job, by job. */
  readonly #keepers = new Map<string, Set<string>>();

  constructor(deps: PoolLogDeps) {
    this.#deps = deps;
  }

  /** Goes on reading with a new connection. */
  async attach(model: ChannelModel): Promise<void> {
    const { topology } = this.#deps;
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    await topology.declarePool(channel);
    // https://www.rabbitmq.com/docs/streams#consuming: a prefetch and acknowledgements are obligatory.
    await channel.prefetch(READ_AHEAD);
    await channel.consume(topology.log, (message) => this.#read(channel, model, message), {
      arguments: { 'x-stream-offset': this.#nextOffset },
    });
  }

  /** Resolves once the entry is in the log for good. */
  async write(entry: LogEntry): Promise<void> {
    await this.#publish(encodeLogEntry(entry), randomUUID());
  }

  /** Resolves once every entry that was in the log when this was called has been read, or the log is gone. */
  async catchUp(): Promise<void> {
    const mark = randomUUID();
    const read = new Promise<void>((resolve) => this.#marks.set(mark, resolve));
    if ((await this.#publish(MARK, mark)) === 'unroutable') this.#reached(mark);
    await read;
  }

  /** Queues in which workers keep, or kept, calls of the job that run long; some are gone. */
  keptQueues(job: JobRef): readonly string[] {
    const keepers = this.#keepers.get(formatJobId(job)) ?? [];
    return [...keepers].map((workerId) => this.#deps.topology.keptQueue(job, workerId));
  }

  #publish(content: Buffer, messageId: string): Promise<PublishOutcome> {
    const { publisher, topology } = this.#deps;
    return publisher.publish({ exchange: '', routingKey: topology.log, content, messageId });
  }

  #reached(mark: string): boolean {
    const resolve = this.#marks.get(mark);
    this.#marks.delete(mark);
    resolve?.();
    return resolve !== undefined;
  }

  #read(channel: Channel, model: ChannelModel, message: ConsumeMessage | null): void {
    if (message === null) {
      // Somebody removed the log of a pool that seemed to be of no use any more; a new connection declares it again.
      this.#nextOffset = 0;
      for (const mark of this.#marks.keys()) this.#reached(mark);
      model.close().catch(() => undefined);
      return;
    }
    channel.ack(message);
    const { headers, messageId } = message.properties;
    const offset = Number(headers?.['x-stream-offset']);
    // A chunk is delivered whole, so the first entries after a reconnect may be known.
    if (offset < this.#nextOffset) return;
    this.#nextOffset = offset + 1;
    if (!this.#reached(String(messageId))) this.#deliver(message.content);
  }

  #deliver(content: Buffer): void {
    try {
      const entry = decodeLogEntry(content);
      if (entry === undefined) return;
      this.#noteKeeper(entry);
      this.#deps.onEntry(entry);
    } catch (error) {
      this.#deps.logger.warn('An entry of the pool’s log cannot be read; it is skipped', { error });
    }
  }

  #noteKeeper(entry: LogEntry): void {
    if (entry.type === 'removed') this.#keepers.delete(formatJobId(entry.job));
    if (entry.type !== 'kept') return;
    const key = formatJobId(entry.job);
    this.#keepers.set(key, (this.#keepers.get(key) ?? new Set()).add(entry.workerId));
  }
}

/** An entry of no known type: only whoever wrote it knows its id. */
const MARK = encodeLogEntry({ type: 'mark' } as unknown as LogEntry);
