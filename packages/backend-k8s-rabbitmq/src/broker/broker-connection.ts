/**
 * One connection to the broker that comes back by itself.
 *
 * Everything that lives on a connection (channels, consumers, exclusive queues) is made anew in `onSession`, for each
 * connection; nobody keeps a channel across two of them. amqplib's own recovery is not used: it hides the moment between
 * the loss of a connection and the next one, in which un-acknowledged messages become the broker's again.
 *
 * - `connecting`: an attempt is on its way, or the next one waits for its time.
 * - `connected`: `onSession` has resolved; left when the connection closes.
 * - `closed`: for good.
 */
import { connect, type ChannelModel } from 'amqplib';
import type { Clock, ClockTimer, Logger } from '@splitrock/core/plugin';
import type { AmqpOptions } from './amqp-options.ts';
import { describeTrouble, type BrokerTrouble } from './broker-trouble.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 3_000;
/** A broker that refuses us is not to be hammered. */
const REFUSED_DELAY_MS = 3_000;

export interface BrokerConnectionEvents {
  /** A new connection is there. When this rejects, the connection is dropped and made anew. */
  onSession(model: ChannelModel): Promise<void>;
  /** The connection is gone; what was un-acknowledged is the broker's again. */
  onLost(): void;
  /** An attempt failed, or the connection was lost. Told for every attempt. */
  onTrouble(trouble: BrokerTrouble): void;
}

export interface BrokerConnectionDeps {
  readonly url: string;
  readonly options: Omit<AmqpOptions, 'url' | 'workerUrl'>;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class BrokerConnection {
  readonly #deps: BrokerConnectionDeps;
  readonly #events: BrokerConnectionEvents;
  #model: ChannelModel | undefined;
  #connected = false;
  #closed = false;
  #failures = 0;
  #timer: ClockTimer | undefined;
  #attempt: Promise<void> = Promise.resolve();

  constructor(deps: BrokerConnectionDeps, events: BrokerConnectionEvents) {
    this.#deps = deps;
    this.#events = events;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Begins to connect. Resolves after the first attempt, however it ended. */
  start(): Promise<void> {
    this.#attempt = this.#connect();
    return this.#attempt;
  }

  /** Drops the connection, as a fault of the network would; a new one is made. */
  async drop(): Promise<void> {
    await this.#model?.close().catch(() => undefined);
  }

  /** Idempotent; never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.drop();
    await this.#attempt;
    await this.drop();
  }

  /** Never rejects. */
  async #connect(): Promise<void> {
    if (this.#closed) return;
    let model: ChannelModel;
    try {
      model = await this.#open();
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    this.#model = model;
    let cause: Error | undefined;
    model.on('error', (error) => (cause = error));
    model.on('close', () => this.#lost(model, cause));
    try {
      if (this.#closed) throw new Error('closed while it was being made');
      await this.#events.onSession(model);
      if (this.#model !== model) return;
      this.#connected = true;
      this.#failures = 0;
    } catch (error) {
      cause ??= error as Error;
      // Its end is told by the `close` event.
      await model.close().catch(() => undefined);
    }
  }

  async #open(): Promise<ChannelModel> {
    const { url, options, name } = this.#deps;
    const { ca, certificate, key, serverName } = options.tls;
    // https://amqp-node.github.io/amqplib/channel_api.html#connect. Without noDelay every small frame waits 40 ms.
    return connect(withHeartbeat(url, options.heartbeatSeconds), {
      noDelay: true,
      timeout: options.connectTimeoutMs,
      clientProperties: { connection_name: name },
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(ca === undefined ? {} : { ca: [ca] }),
      ...(certificate === undefined ? {} : { cert: certificate, key }),
    });
  }

  #lost(model: ChannelModel, cause: Error | undefined): void {
    if (this.#model !== model) return;
    this.#model = undefined;
    this.#connected = false;
    this.#events.onLost();
    this.#failed(cause ?? new Error('the connection was closed'));
  }

  #failed(error: Error): void {
    if (this.#closed) return;
    const trouble = describeTrouble(error, this.#deps.url);
    this.#deps.logger.debug('No connection to the broker', { code: trouble.code, why: error.message });
    this.#events.onTrouble(trouble);
    if (this.#closed) return;
    const backoff = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = this.#deps.clock.setTimer(
      () => {
        this.#attempt = this.#connect();
      },
      trouble.refused ? REFUSED_DELAY_MS : backoff,
    );
  }
}

function withHeartbeat(text: string, seconds: number): string {
  const url = new URL(text);
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(seconds));
  return url.href;
}
