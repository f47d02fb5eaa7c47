import type { Redis } from 'ioredis';
import {
  formatJobId,
  jobDescriptorKey,
  type JobRef,
  type StatusLogWriter,
  type StatusMessage,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { RedisConnection } from './redis-connection.ts';
import type { RedisMonitoringOptions } from './redis-monitoring-options.ts';
import { fieldsOf, streamKey } from './status-stream.ts';

const HOUR_MS = 3_600_000;

/** Appends to the streams of jobs, and puts off their expiry. */
export class RedisStreamWriter implements StatusLogWriter {
  readonly connection: RedisConnection;
  readonly #options: RedisMonitoringOptions;
  readonly #deps: WorkerDeps;
  /** Jobs whose stream was there. */
  readonly #known = new Set<string>();

  constructor(options: RedisMonitoringOptions, deps: WorkerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.connection = new RedisConnection(options, deps);
  }

  async append(job: JobRef, message: StatusMessage, { patienceMs }: { readonly patienceMs: number }): Promise<void> {
    const jobId = formatJobId(job);
    // A stream that was there and is gone was cleaned, or the server lost it; only the job's objects can tell.
    const appended = await this.#add(job, message, { patienceMs, make: !this.#known.has(jobId) });
    if (!appended && (await this.#isKept(job))) await this.#add(job, message, { patienceMs, make: true });
    this.#known.add(jobId);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  #add(
    job: JobRef,
    message: StatusMessage,
    { patienceMs, make }: { readonly patienceMs: number; readonly make: boolean },
  ): Promise<boolean> {
    const key = streamKey(this.#options.keyPrefix, this.#deps.tenant, job);
    const expireMs = Math.ceil(this.#options.expireAfterHours * HOUR_MS);
    const add = async (client: Redis): Promise<boolean> => {
      const fields = fieldsOf(message);
      const adding = make ? client.xadd(key, '*', ...fields) : client.xadd(key, 'NOMKSTREAM', '*', ...fields);
      // In the same packet; without the entry it would do no harm.
      const [id] = await Promise.all([adding, client.pexpire(key, expireMs)]);
      return id !== null;
    };
    return this.connection.run('publish status', add, { patienceMs });
  }

  async #isKept(job: JobRef): Promise<boolean> {
    return (await this.#deps.storage.head(jobDescriptorKey(job))) !== undefined;
  }
}
