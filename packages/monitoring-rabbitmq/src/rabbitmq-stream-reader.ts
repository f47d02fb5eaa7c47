/**
 * Follows the streams of executors for the jobs that are subscribed to.
 *
 * Jobs that need no replay share one consumer of their executor's stream: to subscribe to one more costs the broker
 * nothing. A replay has a consumer of its own. With no follower left the connection is closed after a moment.
 */
import {
  executorPrefix,
  type ClockTimer,
  type FollowOptions,
  type JobRef,
  type StatusLogFollower,
  type StatusLogReader,
  type StatusLogSink,
  type SubscriberDeps,
} from '@splitrock/core/plugin';
import { RabbitmqConnection } from './rabbitmq-connection.ts';
import type { RabbitmqMonitoringOptions } from './rabbitmq-monitoring-options.ts';
import { SharedConsumer } from './shared-consumer.ts';
import { streamName } from './status-stream.ts';
import { StreamConsumer, type StreamConsumerSetup } from './stream-consumer.ts';
import { StreamRegistry } from './stream-registry.ts';

/** An idle connection would keep a program alive that has nothing left to do. */
const DISCONNECT_AFTER_MS = 2_000;

export class RabbitmqStreamReader implements StatusLogReader {
  readonly #options: RabbitmqMonitoringOptions;
  readonly #deps: SubscriberDeps;
  readonly #connection: RabbitmqConnection;
  readonly #registry: StreamRegistry;
  readonly #shared = new Map<string, SharedConsumer>();
  #followers = 0;
  #idle: ClockTimer | undefined;
  #resting: Promise<void> = Promise.resolve();
  #swept = false;
  #closed = false;

  /** Connects when first used. */
  constructor(options: RabbitmqMonitoringOptions, deps: SubscriberDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#connection = new RabbitmqConnection(options, deps);
    this.#registry = new StreamRegistry(options.keepForHours, { ...deps, closing: this.#connection.closing });
  }

  async follow(job: JobRef, sink: StatusLogSink, options: FollowOptions): Promise<StatusLogFollower> {
    this.#followers += 1;
    this.#idle?.cancel();
    try {
      await this.#resting;
      return await (options.replay ? this.#replay(job, sink, options) : this.#join(job, sink, options));
    } catch (error) {
      this.#left();
      throw error;
    }
  }

  /** A stream has the status of all jobs of its executor: it goes when none of them is in storage any more. */
  async remove(jobs: readonly JobRef[]): Promise<number> {
    const streams: string[] = [];
    for (const executorId of new Set(jobs.map((job) => job.executorId))) {
      if (await this.#hasObjects(executorId)) continue;
      const stream = streamName(this.#deps.tenant, executorId);
      await this.#shared.get(stream)?.stop();
      this.#shared.delete(stream);
      streams.push(stream);
    }
    if (streams.length === 0) return 0;
    const { patienceMs } = this.#options;
    const removing = this.#connection.run('remove status', (model) => this.#registry.remove(model, streams), {
      patienceMs,
    });
    return removing.finally(() => this.#rest());
  }

  async close(): Promise<void> {
    // Whoever leaves from now on, or is done with old streams, sets no timer again.
    this.#closed = true;
    this.#idle?.cancel();
    await this.#resting;
    await Promise.all(Array.from(this.#shared.values(), (shared) => shared.stop()));
    this.#shared.clear();
    await this.#connection.close();
  }

  async #replay(job: JobRef, sink: StatusLogSink, { signal }: FollowOptions): Promise<StatusLogFollower> {
    const consumer = new StreamConsumer({
      ...this.#consumerOf(job),
      from: 'first',
      onMessage: (jobNumber, message) => {
        if (jobNumber === job.jobNumber) sink.message(message);
      },
      onTrouble: (error) => sink.trouble(error),
    });
    await this.#start(consumer, signal);
    return this.#follower(consumer, () => consumer.stop());
  }

  async #join(job: JobRef, sink: StatusLogSink, { signal }: FollowOptions): Promise<StatusLogFollower> {
    const setup = this.#consumerOf(job);
    let shared = this.#shared.get(setup.stream);
    if (shared === undefined) {
      const started = new SharedConsumer(setup, (consumer) => this.#start(consumer, undefined));
      this.#shared.set(setup.stream, (shared = started));
      // One that could not be started is no use to the next.
      started.ready.catch(() => this.#shared.delete(setup.stream));
    }
    const leave = await shared.join(job.jobNumber, sink, signal);
    return this.#follower(shared.consumer, async () => leave());
  }

  async #start(consumer: StreamConsumer, signal: AbortSignal | undefined): Promise<void> {
    const { patienceMs } = this.#options;
    const made = await consumer.start({ patienceMs, signal });
    if (!made || this.#swept) return;
    this.#swept = true;
    // The connection stays until it is done.
    this.#followers += 1;
    const sweeping = this.#connection.run('remove old status', (model) => this.#registry.sweep(model), { patienceMs });
    // Whoever stays behind is found by the next client.
    sweeping.catch(() => undefined).finally(() => this.#left());
  }

  #follower(consumer: StreamConsumer, leave: () => Promise<void>): StatusLogFollower {
    let closing: Promise<void> | undefined;
    return {
      get connected() {
        return consumer.connected;
      },
      catchUp: () => consumer.catchUp(this.#options.refreshForMs),
      close: () => (closing ??= leave().finally(() => this.#left())),
    };
  }

  #consumerOf(job: JobRef): Pick<StreamConsumerSetup, 'stream' | 'connection' | 'registry' | 'clock'> {
    const stream = streamName(this.#deps.tenant, job.executorId);
    return { stream, connection: this.#connection, registry: this.#registry, clock: this.#deps.clock };
  }

  #left(): void {
    this.#followers -= 1;
    this.#rest();
  }

  #rest(): void {
    this.#idle?.cancel();
    if (this.#followers > 0 || this.#closed) return;
    const disconnect = (): void => void (this.#resting = this.#disconnect());
    this.#idle = this.#deps.clock.setTimer(disconnect, DISCONNECT_AFTER_MS);
  }

  async #disconnect(): Promise<void> {
    const shared = [...this.#shared.values()];
    this.#shared.clear();
    await Promise.all(shared.map((each) => each.stop()));
    await this.#connection.disconnect();
  }

  async #hasObjects(executorId: string): Promise<boolean> {
    for await (const _object of this.#deps.storage.list(executorPrefix(executorId))) return true;
    return false;
  }
}
