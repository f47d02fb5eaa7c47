import { abortable, type StatusLogSink } from '@splitrock/core/plugin';
import { StreamConsumer, type StreamConsumerSetup } from './stream-consumer.ts';

/** One consumer of an executor's stream for all jobs that are followed from now on. */
export class SharedConsumer {
  readonly consumer: StreamConsumer;
  /** Resolves once nothing is missed; rejects when the broker cannot be reached. */
  readonly ready: Promise<void>;
  readonly #sinks = new Map<number, Set<StatusLogSink>>();

  constructor(
    setup: Pick<StreamConsumerSetup, 'stream' | 'connection' | 'registry' | 'clock'>,
    start: (consumer: StreamConsumer) => Promise<void>,
  ) {
    this.consumer = new StreamConsumer({
      ...setup,
      from: 'next',
      onMessage: (jobNumber, message) => {
        for (const sink of this.#sinks.get(jobNumber) ?? []) sink.message(message);
      },
      onTrouble: (error) => {
        for (const sinks of this.#sinks.values()) for (const sink of sinks) sink.trouble(error);
      },
    });
    this.ready = start(this.consumer);
  }

  /** Delivers a job's messages to the sink until the returned function is called. */
  async join(jobNumber: number, sink: StatusLogSink, signal: AbortSignal | undefined): Promise<() => void> {
    await abortable(this.ready, signal);
    const sinks = this.#sinks.get(jobNumber) ?? new Set();
    sinks.add(sink);
    this.#sinks.set(jobNumber, sinks);
    return () => {
      sinks.delete(sink);
      if (sinks.size === 0) this.#sinks.delete(jobNumber);
    };
  }

  /** Stops also when it is still being started. */
  async stop(): Promise<void> {
    await this.consumer.stop();
    await this.ready.catch(() => undefined);
  }
}
