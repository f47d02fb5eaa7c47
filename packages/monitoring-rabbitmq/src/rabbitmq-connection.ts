/**
 * A connection that comes back, and operations that are tried again on it.
 *
 * amqplib can reconnect too, but channels made before are dead then and it does not tell a refusal from an outage. Here
 * an operation gets the connection, makes its channels, and is run again when that broke.
 */
import { connect, type ChannelModel } from 'amqplib';
import {
  IllegalStateError,
  abortable,
  pause,
  type Clock,
  type Logger,
  type OperationOptions,
} from '@splitrock/core/plugin';
import { addressOf, type RabbitmqAddress } from './rabbitmq-address.ts';
import { isVhostRefusal, refusalOf, unreachable, vhostRefused } from './rabbitmq-errors.ts';
import type { RabbitmqMonitoringOptions } from './rabbitmq-monitoring-options.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** A broker that is starting refuses a virtual host for a moment; one that refuses it so often has none. */
const VHOST_REFUSALS = 5;

export interface RunOptions extends OperationOptions {
  /** How long to wait for the broker, in milliseconds; `Infinity`: as long as it takes. */
  readonly patienceMs: number;
}

export class RabbitmqConnection {
  readonly #address: RabbitmqAddress;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #connecting: Promise<ChannelModel> | undefined;
  #model: ChannelModel | undefined;
  #lastError: unknown;
  #wasConnected = false;
  #vhostRefusals = 0;

  constructor(
    options: RabbitmqMonitoringOptions,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#address = addressOf(options);
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `host:port/vhost`, for messages. */
  get server(): string {
    return this.#address.server;
  }

  /** Aborts when the connection is closed for good. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Runs an operation that may be repeated; again after each break of the connection, until the broker has been away for
   * `patienceMs`.
   * @throws MonitoringError why the broker refuses, or that it does not answer; IllegalStateError once closed.
   */
  async run<T>(operation: string, action: (model: ChannelModel) => Promise<T>, options: RunOptions): Promise<T> {
    const running = this.#run(operation, action, options);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** What went wrong with the connection last, as an error to report. */
  trouble(operation: string): Error {
    return unreachable(this.#lastError, operation, this.server);
  }

  /** Closes the connection; the next operation makes a new one. */
  async disconnect(): Promise<void> {
    const model = await this.#connecting?.catch(() => undefined);
    this.#connecting = undefined;
    this.#model = undefined;
    await model?.close().catch(() => undefined);
  }

  /** Ends all operations under way; once it resolves, none of them has a timer any more. */
  async close(): Promise<void> {
    if (!this.closing.aborted) {
      this.#closing.abort(new IllegalStateError('ILLEGAL_STATE', 'The RabbitMQ monitoring is closed.'));
    }
    await Promise.allSettled(this.#running);
    await this.disconnect();
  }

  async #run<T>(operation: string, action: (model: ChannelModel) => Promise<T>, options: RunOptions): Promise<T> {
    const overdue = new AbortController();
    const onOverdue = (): void => overdue.abort(unreachable(this.#lastError, operation, this.server));
    const timer = options.patienceMs === Infinity ? undefined : this.#clock.setTimer(onOverdue, options.patienceMs);
    const given = options.signal === undefined ? [] : [options.signal];
    const signal = AbortSignal.any([overdue.signal, this.closing, ...given]);
    try {
      signal.throwIfAborted();
      return await abortable(this.#attempt(operation, action, signal), signal);
    } finally {
      timer?.cancel();
    }
  }

  async #attempt<T>(operation: string, action: (model: ChannelModel) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      signal.throwIfAborted();
      try {
        return await action(await this.#connected());
      } catch (error) {
        signal.throwIfAborted();
        const refusal = this.#refusalOf(error, operation);
        if (refusal !== undefined) throw refusal;
        this.#lastError = error;
        this.#logger.debug('RabbitMQ operation failed', { server: this.server, operation, error: String(error) });
      }
      // Spread, so that many workers do not come back to a recovering broker at once.
      await pause(this.#clock, pauseMs * (0.5 + Math.random() / 2), { signal });
    }
  }

  #refusalOf(error: unknown, operation: string): Error | undefined {
    this.#vhostRefusals = isVhostRefusal(error) ? this.#vhostRefusals + 1 : 0;
    if (this.#vhostRefusals >= VHOST_REFUSALS && !this.#wasConnected) return vhostRefused(operation, this.server);
    return refusalOf(error, operation, this.server);
  }

  #connected(): Promise<ChannelModel> {
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<ChannelModel> {
    try {
      const model = await connect(this.#address.connect, this.#address.socket);
      model.on('error', (error) => (this.#lastError = error));
      model.on('close', () => {
        if (this.#model !== model) return;
        this.#model = undefined;
        this.#connecting = undefined;
      });
      if (this.closing.aborted) await model.close();
      this.#model = model;
      this.#wasConnected = true;
      return model;
    } catch (error) {
      this.#connecting = undefined;
      throw error;
    }
  }
}
