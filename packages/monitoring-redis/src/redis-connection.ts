/**
 * A connection that comes back, and operations that are tried again on it.
 *
 * ioredis's own queue and re-sending are not used: what it queues cannot be taken back when its operation is given up.
 * Here every command fails with its connection, and {@link RedisConnection.run} decides whether it is sent again.
 */
import { Redis, type RedisOptions } from 'ioredis';
import {
  IllegalStateError,
  abortable,
  pause,
  type Clock,
  type Logger,
  type OperationOptions,
} from '@splitrock/core/plugin';
import { isRefusal, isReply, replyError, unreachable } from './redis-errors.ts';
import type { RedisMonitoringOptions } from './redis-monitoring-options.ts';

const LONGEST_PAUSE_MS = 1_000;

export interface RunOptions extends OperationOptions {
  /** How long to wait for the server, in milliseconds; `Infinity`: as long as it takes. */
  readonly patienceMs: number;
}

export class RedisConnection {
  /** `host:port/db`, for messages. */
  readonly server: string;
  readonly #client: Redis;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #breakListeners = new Set<(error: Error) => void>();
  readonly #running = new Set<Promise<unknown>>();
  #lastError: Error | undefined;

  constructor(options: RedisMonitoringOptions, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#client = makeClient(options);
    // Every operation that waits for the connection listens.
    this.#client.setMaxListeners(0);
    const { host, port, db } = this.#client.options;
    this.server = `${host ?? 'localhost'}:${port ?? 6379}/${db ?? 0}`;
    this.#client.on('error', (error: Error) => {
      this.#lastError = error;
      logger.debug('Redis connection error', { server: this.server, error: error.message });
    });
    let wasReady = false;
    this.#client.on('ready', () => {
      wasReady = true;
      this.#letProcessEnd();
    });
    this.#client.on('close', () => {
      if (wasReady) this.#broke();
      wasReady = false;
    });
  }

  get connected(): boolean {
    return this.#client.status === 'ready';
  }

  /** Calls `listener` whenever a connection that had worked breaks. */
  onBreak(listener: (error: Error) => void): void {
    this.#breakListeners.add(listener);
  }

  /**
   * Runs an operation that may be repeated; again after each break of the connection, until the server has been away for
   * `patienceMs`.
   * @throws MonitoringError what the server replied, or that it does not answer; IllegalStateError once closed.
   */
  async run<T>(operation: string, action: (client: Redis) => Promise<T>, options: RunOptions): Promise<T> {
    const running = this.#run(operation, action, options);
    this.#running.add(running);
    if (this.#running.size === 1) this.#client.stream?.ref?.();
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      this.#letProcessEnd();
    }
  }

  /** Ends all operations under way; once it resolves, none of them has a timer any more. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new IllegalStateError('ILLEGAL_STATE', 'The Redis monitoring is closed.'));
      this.#client.disconnect();
    }
    await Promise.allSettled(this.#running);
  }

  async #run<T>(operation: string, action: (client: Redis) => Promise<T>, options: RunOptions): Promise<T> {
    const overdue = new AbortController();
    const onOverdue = (): void => overdue.abort(unreachable(this.#lastError, operation, this.server));
    const timer = options.patienceMs === Infinity ? undefined : this.#clock.setTimer(onOverdue, options.patienceMs);
    const given = options.signal === undefined ? [] : [options.signal];
    const signal = AbortSignal.any([overdue.signal, this.#closing.signal, ...given]);
    try {
      signal.throwIfAborted();
      return await abortable(this.#attempt(operation, action, signal), signal);
    } finally {
      timer?.cancel();
    }
  }

  async #attempt<T>(operation: string, action: (client: Redis) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#ready(operation, signal);
      try {
        return await action(this.#client);
      } catch (error) {
        if (isReply(error)) throw replyError(error, operation, this.server);
        this.#lastError = error instanceof Error ? error : new Error(String(error));
      }
      await pause(this.#clock, pauseMs(attempt), { signal });
    }
  }

  /** Waits until commands can be sent; fails at once when the server refuses us. */
  #ready(operation: string, signal: AbortSignal): Promise<void> {
    const client = this.#client;
    if (client.status === 'ready') return Promise.resolve();
    const connect = (): void => void client.connect().catch(() => undefined);
    if (client.status === 'wait' || client.status === 'end') connect();
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        client.off('ready', onReady);
        client.off('error', onError);
        client.off('end', connect);
        signal.removeEventListener('abort', onAbort);
        outcome();
      };
      const onReady = (): void => settle(resolve);
      const onAbort = (): void => settle(() => reject(signal.reason as Error));
      const onError = (error: Error): void => {
        if (!isRefusal(error)) return;
        // Not over and over again: the next operation connects anew.
        client.disconnect();
        settle(() => reject(replyError(error, operation, this.server)));
      };
      client.on('ready', onReady);
      client.on('error', onError);
      // It was still ending after a refusal.
      client.on('end', connect);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
  }

  /** A connection that nobody waits for keeps no process alive: a program without a running job ends by itself. */
  #letProcessEnd(): void {
    if (this.#running.size === 0) this.#client.stream?.unref?.();
  }

  #broke(): void {
    if (this.#closing.signal.aborted) return;
    const error = unreachable(this.#lastError, 'follow status', this.server);
    for (const listener of this.#breakListeners) listener(error);
  }
}

/** Before the attempt after this one; grows, so that a server that comes back is not run over. */
const pauseMs = (attempt: number): number => Math.min(2 ** attempt * 10, LONGEST_PAUSE_MS);

function makeClient(options: RedisMonitoringOptions): Redis {
  const { url, host, port, username, password, db, tls } = options;
  const settings = {
    lazyConnect: true,
    connectTimeout: options.connectTimeoutMs,
    socketTimeout: options.responseTimeoutMs,
    retryStrategy: pauseMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Commands under way fail when their connection does; with ioredis's default of null they would never settle.
    maxRetriesPerRequest: 0,
    connectionName: 'splitrock-monitoring',
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(db === undefined ? {} : { db }),
    ...(tls === false ? {} : { tls: tls === true ? {} : tls }),
  } satisfies RedisOptions;
  return url === undefined ? new Redis(settings) : new Redis(url, settings);
}
