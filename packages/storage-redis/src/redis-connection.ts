/**
 * A connection that comes back, and operations that are tried again on it.
 *
 * ioredis can queue commands while there is no connection and send them again after a break. Neither is used: a queued
 * command cannot be taken back when its operation is aborted or given up, and would be carried out after that was told.
 * Here every command fails with its connection, and {@link RedisConnection.run} decides whether it is sent again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { abortable, type Logger, type StorageLifecycle } from '@splitrock/core/plugin';
import { isDenied, isReply, replyError, unreachable } from './redis-errors.ts';
import { SCRIPTS, type ScriptedRedis } from './redis-scripts.ts';
import type { RedisStorageOptions } from './redis-storage-options.ts';

const LONGEST_PAUSE_MS = 1_000;

export class RedisConnection {
  /** `host:port/db`, for messages. */
  readonly server: string;
  readonly #client: ScriptedRedis;
  readonly #lifecycle: StorageLifecycle;
  readonly #retryForMs: number;
  #lastError: Error | undefined;

  constructor(options: RedisStorageOptions, lifecycle: StorageLifecycle, logger: Logger) {
    this.#lifecycle = lifecycle;
    this.#retryForMs = options.retryForMs;
    this.#client = connect(options) as ScriptedRedis;
    // Every operation that waits for the connection listens.
    this.#client.setMaxListeners(0);
    const { host, port, db } = this.#client.options;
    this.server = `${host ?? 'localhost'}:${port ?? 6379}/${db ?? 0}`;
    this.#client.on('error', (error: Error) => {
      this.#lastError = error;
      logger.debug('Redis connection error', { server: this.server, error: error.message });
    });
  }

  /** Another connection to the same server, for subscriptions. */
  duplicate(changes: RedisOptions): Redis {
    return this.#client.duplicate(changes);
  }

  /**
   * Runs an operation that may be repeated; again after each break of the connection, until the server has been away for
   * `retryForMs`. While the server works on it an abort has no effect: the outcome could not be known.
   */
  async run<T>(operation: string, action: (client: ScriptedRedis) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const beganMs = performance.now();
    for (let attempt = 1; ; attempt++) {
      await this.#ready(operation, beganMs, signal);
      try {
        return await action(this.#client);
      } catch (error) {
        this.#lifecycle.check();
        if (isReply(error) || !(error instanceof Error)) throw this.#explain(error, operation);
        this.#lastError = error;
      }
      await abortable(pause(pauseMs(attempt)), signal);
    }
  }

  /** Runs an operation that does not matter much: once, only if there is a connection, and whatever comes of it. */
  async attempt(action: (client: ScriptedRedis) => Promise<unknown>): Promise<void> {
    if (this.#client.status === 'ready') await action(this.#client).catch(() => undefined);
  }

  close(): void {
    this.#client.disconnect();
  }

  #explain(error: unknown, operation: string): unknown {
    return isReply(error) ? replyError(error, operation, this.server) : error;
  }

  async #ready(operation: string, beganMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#lifecycle.check(signal);
    const leftMs = this.#retryForMs - (performance.now() - beganMs);
    if (this.#client.status === 'ready' && leftMs > 0) return;
    if (this.#client.status === 'wait' || this.#client.status === 'end') this.#client.connect().catch(() => undefined);
    await abortable(this.#nextReady(operation, beganMs, Math.max(0, leftMs)), signal);
  }

  /** Waits until commands can be sent; fails at once when the credentials are refused, else after `leftMs`. */
  #nextReady(operation: string, beganMs: number, leftMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        this.#client.off('ready', onReady);
        this.#client.off('error', onError);
        this.#lifecycle.signal.removeEventListener('abort', onClose);
        outcome();
      };
      const onReady = (): void => settle(resolve);
      const onClose = (): void => settle(() => reject(this.#lifecycle.signal.reason as Error));
      const onError = (error: Error): void => {
        if (isDenied(error)) settle(() => reject(replyError(error, operation, this.server)));
      };
      const onTimeout = (): void =>
        settle(() => reject(unreachable(this.#lastError, operation, this.server, performance.now() - beganMs)));
      const timer = setTimeout(onTimeout, leftMs);
      this.#client.on('ready', onReady);
      this.#client.on('error', onError);
      this.#lifecycle.signal.addEventListener('abort', onClose);
    });
  }
}

/** Before the attempt after this one; grows, so that a server that comes back is not run over. */
const pauseMs = (attempt: number): number => Math.min(2 ** attempt * 10, LONGEST_PAUSE_MS);

function connect(options: RedisStorageOptions): Redis {
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
    connectionName: 'splitrock-storage',
    scripts: SCRIPTS,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(db === undefined ? {} : { db }),
    ...(tls === false ? {} : { tls: tls === true ? {} : tls }),
  } satisfies RedisOptions;
  return url === undefined ? new Redis(settings) : new Redis(url, settings);
}
