/**
 * Reads new entries of many streams over one connection that blocks until there are some.
 *
 * A stream that is added while the connection blocks is not in the command it blocks in: the command is ended by
 * another connection (`CLIENT UNBLOCK`), and the next one has it.
 */
import type { Redis } from 'ioredis';
import { pause, type Clock, type Logger } from '@splitrock/core/plugin';
import type { RedisConnection } from './redis-connection.ts';
import type { StreamCursor } from './stream-cursor.ts';

/** How many entries of each stream one reply brings: they are in memory together. */
export const ENTRIES_PER_READ = 16;
/** Ends by itself after this, so that a silent connection shows that it lives. */
const BLOCK_MS = 5_000;
const UNBLOCK_AGAIN_MS = 5;
const PAUSE_AFTER_REFUSAL_MS = 5_000;

export interface BlockedReadsDeps {
  /** Used for nothing else. */
  readonly blocking: RedisConnection;
  readonly commands: RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class BlockedReads {
  readonly #deps: BlockedReadsDeps;
  readonly #cursors = new Set<StreamCursor>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #blockedClient: { readonly client: Redis; readonly id: number } | undefined;
  /** Counts changes of the set of cursors, and up to which of them commands have seen. */
  #changes = 0;
  #seenChanges = 0;

  constructor(deps: BlockedReadsDeps) {
    this.#deps = deps;
    deps.blocking.onBreak((error) => {
      this.#blockedClient = undefined;
      for (const cursor of this.#cursors) cursor.trouble(error);
    });
  }

  get connected(): boolean {
    return this.#deps.blocking.connected;
  }

  add(cursor: StreamCursor): void {
    this.#cursors.add(cursor);
    this.#changes += 1;
    if (this.#running === undefined) this.#running = this.#run();
    else void this.#unblock();
  }

  /** The command under way still has its stream; what it brings is dropped by the cursor. */
  remove(cursor: StreamCursor): void {
    if (!this.#cursors.delete(cursor)) return;
    this.#changes += 1;
    if (this.#cursors.size === 0) void this.#unblock();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    await this.#deps.blocking.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#cursors.size > 0 && !this.#closing.signal.aborted) {
      try {
        await this.#deps.blocking.run('follow status', (client) => this.#read(client), { patienceMs: Infinity });
      } catch (error) {
        if (this.#closing.signal.aborted) break;
        for (const cursor of this.#cursors) cursor.trouble(error as Error);
        await pause(this.#deps.clock, PAUSE_AFTER_REFUSAL_MS, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
    this.#running = undefined;
  }

  async #read(client: Redis): Promise<void> {
    // The server gives every connection its number; after a reconnect it is another one.
    this.#blockedClient ??= { client, id: await client.client('ID') };
    this.#seenChanges = this.#changes;
    const byKey = new Map<string, StreamCursor[]>();
    for (const cursor of this.#cursors) byKey.set(cursor.key, [...(byKey.get(cursor.key) ?? []), cursor]);
    if (byKey.size === 0) return;
    const positions = Array.from(byKey.values(), (cursors) => earliest(cursors).position);
    const streams = [...byKey.keys(), ...positions];
    const found = await client.xreadBuffer('COUNT', ENTRIES_PER_READ, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams);
    for (const [key, entries] of found ?? []) {
      for (const cursor of byKey.get(String(key)) ?? []) cursor.accept(entries);
    }
  }

  /** Ends the command that blocks now; repeated, for it may be on its way to the server. */
  async #unblock(): Promise<void> {
    const change = this.#changes;
    try {
      while (this.#seenChanges < change && this.#running !== undefined && !this.#closing.signal.aborted) {
        const id = this.#blockedClient?.id;
        if (id !== undefined) {
          await this.#deps.commands.run('follow status', (client) => client.client('UNBLOCK', id), {
            patienceMs: BLOCK_MS,
          });
        }
        await pause(this.#deps.clock, UNBLOCK_AGAIN_MS, { signal: this.#closing.signal });
      }
    } catch (error) {
      // It ends by itself in a few seconds.
      this.#deps.logger.debug('A blocked read could not be ended', { error: String(error) });
    }
  }
}

const earliest = (cursors: readonly StreamCursor[]): StreamCursor =>
  cursors.reduce((first, cursor) => (first.isAfter(cursor) ? cursor : first));
