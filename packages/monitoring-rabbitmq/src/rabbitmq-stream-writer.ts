import type { ChannelModel, ConfirmChannel } from 'amqplib';
import {
  jobDescriptorKey,
  type JobRef,
  type StatusLogWriter,
  type StatusMessage,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { RabbitmqConnection } from './rabbitmq-connection.ts';
import type { RabbitmqMonitoringOptions } from './rabbitmq-monitoring-options.ts';
import { headersOf, publishTo, streamExists, streamName } from './status-stream.ts';
import { StreamRegistry } from './stream-registry.ts';

/** Appends to the streams of executors. */
export class RabbitmqStreamWriter implements StatusLogWriter {
  readonly connection: RabbitmqConnection;
  readonly #deps: WorkerDeps;
  readonly #registry: StreamRegistry;
  /** Streams that were there. */
  readonly #known = new Set<string>();
  #channel: { readonly model: ChannelModel; readonly opened: Promise<ConfirmChannel> } | undefined;
  #messages = 0;

  constructor(options: RabbitmqMonitoringOptions, deps: WorkerDeps) {
    this.#deps = deps;
    this.connection = new RabbitmqConnection(options, deps);
    this.#registry = new StreamRegistry(options.keepForHours, { ...deps, closing: this.connection.closing });
  }

  append(job: JobRef, message: StatusMessage, { patienceMs }: { readonly patienceMs: number }): Promise<void> {
    const stream = streamName(this.#deps.tenant, job.executorId);
    const append = async (model: ChannelModel): Promise<void> => {
      if (!this.#known.has(stream)) await this.#make(model, stream);
      if (await this.#publish(model, stream, job, message)) return;
      if (!(await this.#isMissing(model, stream, job))) return;
      await this.#make(model, stream);
      if (!(await this.#publish(model, stream, job, message))) throw new Error('The stream cannot be written to.');
    };
    return this.connection.run('publish status', append, { patienceMs });
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  async #make(model: ChannelModel, stream: string): Promise<void> {
    await this.#registry.ensureStream(model, stream);
    this.#known.add(stream);
  }

  async #publish(model: ChannelModel, stream: string, job: JobRef, message: StatusMessage): Promise<boolean> {
    const channel = await this.#opened(model);
    this.#messages += 1;
    const properties = {
      messageId: String(this.#messages),
      headers: headersOf(job, message),
      timestamp: this.#seconds(),
    };
    return publishTo(channel, stream, message.segment, properties);
  }

  /** One channel for each connection; made anew when it broke. */
  #opened(model: ChannelModel): Promise<ConfirmChannel> {
    if (this.#channel?.model === model) return this.#channel.opened;
    const opened = openChannel(model, () => {
      if (this.#channel?.opened === opened) this.#channel = undefined;
    });
    this.#channel = { model, opened };
    return opened;
  }

  /** AMQP's timestamps are in seconds. */
  #seconds(): number {
    return Math.floor(this.#deps.clock.now() / 1_000);
  }

  /**
   * The stream was there and took nothing. It may be starting, and is asked again; or it is gone, cleaned or lost by the
   * broker: only the job's objects can tell, and whether anybody misses it.
   */
  async #isMissing(model: ChannelModel, stream: string, job: JobRef): Promise<boolean> {
    if (await streamExists(model, stream)) throw new Error('The stream is starting.');
    return (await this.#deps.storage.head(jobDescriptorKey(job))) !== undefined;
  }
}

async function openChannel(model: ChannelModel, onClose: () => void): Promise<ConfirmChannel> {
  try {
    const channel = await model.createConfirmChannel();
    // Every message under way listens for its return.
    channel.setMaxListeners(0);
    // What failed hears of it by its own rejection.
    channel.on('error', () => undefined);
    channel.on('close', onClose);
    return channel;
  } catch (error) {
    onClose();
    throw error;
  }
}
