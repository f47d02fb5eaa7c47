/**
 * Told of changes by the server: every put publishes on a channel for each prefix of its key.
 *
 * One connection serves all watches of a storage. Messages sent while it is broken are lost, so that every listener is
 * told when it is back: whatever changed meanwhile is covered by that.
 */
import type { Redis } from 'ioredis';
import type { Logger, StorageWatch } from '@splitrock/core/plugin';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisKeys } from './redis-keys.ts';

export class ChangeSubscriber {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #logger: Logger;
  readonly #listeners = new Map<string, Set<() => void>>();
  #client: Redis | undefined;
  #closed = false;

  constructor(connection: RedisConnection, keys: RedisKeys, logger: Logger) {
    this.#connection = connection;
    this.#keys = keys;
    this.#logger = logger;
  }

  /** Resolves when the server has confirmed the subscription: what is put from then on is told. */
  async watch(prefix: string, onChange: () => void, signal: AbortSignal | undefined): Promise<StorageWatch> {
    const channel = this.#keys.channel(prefix);
    // Each watch has a listener of its own, also when two were given the same function.
    const tell = coalesced(() => this.#tell(channel, tell, onChange));
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(tell));
    try {
      // The operation waits for the main connection, with its retries; this one follows it.
      await this.#connection.run('watch', async () => void (await this.#subscriber().subscribe(channel)), signal);
    } catch (error) {
      await this.#remove(channel, tell);
      throw error;
    }
    return { close: () => this.#remove(channel, tell) };
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#client?.disconnect();
  }

  #subscriber(): Redis {
    if (this.#client !== undefined) return this.#client;
    const client = this.#connection.duplicate({
      // Subscriptions wait for their connection and are made again after a break.
      enableOfflineQueue: true,
      autoResubscribe: true,
      // A silent channel is no broken connection.
      socketTimeout: undefined,
    });
    client.on('message', (channel: string) => {
      for (const tell of this.#listeners.get(channel) ?? []) tell();
    });
    client.on('ready', () => this.#tellAll());
    client.on('error', (error: Error) => this.#logger.debug('Redis subscription error', { error: error.message }));
    this.#client = client;
    return client;
  }

  #tellAll(): void {
    for (const listeners of this.#listeners.values()) for (const tell of listeners) tell();
  }

  async #remove(channel: string, tell: () => void): Promise<void> {
    const listeners = this.#listeners.get(channel);
    if (listeners?.delete(tell) !== true || listeners.size > 0) return;
    this.#listeners.delete(channel);
    if (!this.#closed) await this.#client?.unsubscribe(channel).catch(() => undefined);
  }

  #tell(channel: string, tell: () => void, onChange: () => void): void {
    if (this.#listeners.get(channel)?.has(tell) !== true) return;
    try {
      onChange();
    } catch (error) {
      this.#logger.error('A storage watch listener threw', { error });
    }
  }
}

/** Runs `action` soon, once for all calls until then. */
function coalesced(action: () => void): () => void {
  let pending = false;
  return () => {
    if (pending) return;
    pending = true;
    setImmediate(() => {
      pending = false;
      action();
    });
  };
}
