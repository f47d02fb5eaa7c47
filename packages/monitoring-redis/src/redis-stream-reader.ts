import type { Redis } from 'ioredis';
import type {
  FollowOptions,
  JobRef,
  StatusLogFollower,
  StatusLogReader,
  StatusLogSink,
  SubscriberDeps,
} from '@splitrock/core/plugin';
import { BlockedReads, ENTRIES_PER_READ } from './blocked-reads.ts';
import { RedisConnection } from './redis-connection.ts';
import type { RedisMonitoringOptions } from './redis-monitoring-options.ts';
import { BEGINNING, streamKey } from './status-stream.ts';
import { StreamCursor } from './stream-cursor.ts';

/** Follows the streams of jobs: two connections for all of them, one of which blocks. Connects when first used. */
export class RedisStreamReader implements StatusLogReader {
  readonly #options: RedisMonitoringOptions;
  readonly #tenant: string;
  readonly #commands: RedisConnection;
  readonly #reads: BlockedReads;

  constructor(options: RedisMonitoringOptions, { tenant, clock, logger }: SubscriberDeps) {
    this.#options = options;
    this.#tenant = tenant;
    this.#commands = new RedisConnection(options, { clock, logger });
    const blocking = new RedisConnection(options, { clock, logger });
    this.#reads = new BlockedReads({ blocking, commands: this.#commands, clock, logger });
  }

  /** A stream need not be there to be followed: a reader waits for its first entry. */
  async follow(job: JobRef, sink: StatusLogSink, { replay, signal }: FollowOptions): Promise<StatusLogFollower> {
    const key = this.#key(job);
    // For a replay the answer does not matter, but a server that refuses us is to be told of now.
    const end = await this.#commands.run('subscribe to status', (client) => lastId(client, key), {
      patienceMs: this.#options.patienceMs,
      signal,
    });
    const cursor = new StreamCursor(key, replay ? BEGINNING : (end ?? BEGINNING), sink);
    this.#reads.add(cursor);
    const reads = this.#reads;
    return {
      get connected() {
        return reads.connected;
      },
      catchUp: () => this.#catchUp(cursor),
      async close() {
        cursor.close();
        reads.remove(cursor);
      },
    };
  }

  remove(jobs: readonly JobRef[]): Promise<number> {
    const keys = jobs.map((job) => this.#key(job));
    return this.#commands.run('remove status', (client) => client.unlink(...keys), {
      patienceMs: this.#options.patienceMs,
    });
  }

  async close(): Promise<void> {
    await this.#reads.close();
    await this.#commands.close();
  }

  /** Reads on to where the stream ends now; the blocked read may bring the same entries, and cursors take each once. */
  async #catchUp(cursor: StreamCursor): Promise<void> {
    const options = { patienceMs: this.#options.refreshForMs };
    const { key } = cursor;
    const end = await this.#commands.run('catch up with status', (client) => lastId(client, key), options);
    while (end !== undefined && !cursor.hasReached(end)) {
      const found = await this.#commands.run(
        'catch up with status',
        (client) => client.xreadBuffer('COUNT', ENTRIES_PER_READ, 'STREAMS', key, cursor.position),
        options,
      );
      // Gone meanwhile.
      if (found === null) return;
      for (const [, entries] of found) cursor.accept(entries);
    }
  }

  #key(job: JobRef): string {
    return streamKey(this.#options.keyPrefix, this.#tenant, job);
  }
}

async function lastId(client: Redis, key: string): Promise<string | undefined> {
  const [last] = await client.xrevrange(key, '+', '-', 'COUNT', 1);
  return last?.[0];
}
