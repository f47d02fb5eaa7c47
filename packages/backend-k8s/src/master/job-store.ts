/** A job in storage, as the master reads and writes it. */
import type { JobRef, Storage } from '@splitrock/core/plugin';
import type { LeaseProgress } from '../leases/lease-events.ts';
import type { BackendKeys } from '../protocol/backend-keys.ts';
import { decodeLogEntry, type LogEntry } from '../protocol/job-log.ts';
import { encodeProgress, getOrNothing, readProgress } from '../protocol/records.ts';

/** An entry of a job's log and who wrote it. */
export interface WrittenEntry {
  readonly clientId: string;
  readonly number: number;
  readonly entry: LogEntry;
}

export class JobStore {
  readonly #storage: Storage;
  readonly #keys: BackendKeys;
  readonly #job: JobRef;

  constructor(storage: Storage, keys: BackendKeys, job: JobRef) {
    this.#storage = storage;
    this.#keys = keys;
    this.#job = job;
  }

  /** All entries that there are, in the order in which they were written as far as clocks tell. */
  async readAll(): Promise<readonly WrittenEntry[]> {
    const names: { clientId: string; number: number }[] = [];
    for await (const { key } of this.#storage.list(this.#keys.log(this.#job))) {
      const name = this.#keys.parseLogEntry(this.#job, key);
      if (name !== undefined) names.push(name);
    }
    const entries = await Promise.all(names.map(({ clientId, number }) => this.#read(clientId, number)));
    return entries.flat().toSorted((a, b) => a.entry.atMs - b.entry.atMs);
  }

  /** Those of one client from one number on, as many as it says there are. */
  async readNew(clientId: string, from: number, to: number): Promise<readonly WrittenEntry[]> {
    const numbers = Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
    return (await Promise.all(numbers.map((number) => this.#read(clientId, number)))).flat();
  }

  readProgress(): Promise<LeaseProgress | undefined> {
    return readProgress(this.#storage, this.#keys.progress(this.#job));
  }

  async writeProgress(progress: LeaseProgress): Promise<void> {
    await this.#storage.put(this.#keys.progress(this.#job), encodeProgress(progress));
  }

  /** All that is kept of the job. */
  async remove(): Promise<void> {
    await removeBelow(this.#storage, this.#keys.job(this.#job));
  }

  async #read(clientId: string, number: number): Promise<readonly WrittenEntry[]> {
    const bytes = await getOrNothing(this.#storage, this.#keys.logEntry(this.#job, clientId, number));
    return bytes === undefined ? [] : [{ clientId, number, entry: decodeLogEntry(bytes) }];
  }
}

/** Removes every object below a prefix; answers how many there were. */
export async function removeBelow(storage: Storage, prefix: string): Promise<number> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  if (keys.length > 0) await storage.deleteMany(keys);
  return keys.length;
}
