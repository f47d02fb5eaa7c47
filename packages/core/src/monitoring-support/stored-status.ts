/**
 * Status segments in storage: the way round a transport that is away, and the place of events too large for it.
 * They lie where the `storage` monitoring has its own, so whoever reads status from storage finds them too.
 */
import type { JobRef } from '../contracts/calls.ts';
import type { Storage } from '../contracts/storage.ts';
import { MonitoringError, isSplitrockError } from '../errors/splitrock-error.ts';
import { parseStatusSegmentKey, statusPrefix, statusSegmentKey } from '../wire/storage-keys.ts';

/** Writes the segments of one worker and job, numbered from 0. */
export class StoredStatusWriter {
  readonly #storage: Storage;
  readonly #job: JobRef;
  readonly #workerId: string;
  #count = 0;

  constructor(storage: Storage, job: JobRef, workerId: string) {
    this.#storage = storage;
    this.#job = job;
    this.#workerId = workerId;
  }

  /** How many numbers are used up. */
  get count(): number {
    return this.#count;
  }

  /** Stores a segment under the next free number: one may be taken by a put that seemed to have failed. */
  async store(segment: Uint8Array): Promise<void> {
    for (;;) {
      const key = statusSegmentKey(this.#job, this.#workerId, this.#count);
      const { created } = await this.#storage.put(key, segment, { ifAbsent: true });
      const ours = created || Buffer.compare(await this.#storage.get(key), segment) === 0;
      this.#count += 1;
      if (ours) return;
    }
  }
}

export interface StoredStatusSink {
  segment(segment: Uint8Array, key: string): void;
  trouble(error: Error): void;
}

/** Reads the stored segments of one job, each once, those of one worker in order. */
export class StoredStatusReader {
  readonly #storage: Storage;
  readonly #job: JobRef;
  readonly #sink: StoredStatusSink;
  readonly #signal: AbortSignal;
  readonly #next = new Map<string, number>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage, job: JobRef, sink: StoredStatusSink, signal: AbortSignal) {
    this.#storage = storage;
    this.#job = job;
    this.#sink = sink;
    this.#signal = signal;
  }

  /** Whether all of a worker's first `count` segments have been read. */
  hasRead(workerId: string, count: number): boolean {
    return (this.#next.get(workerId) ?? 0) >= count;
  }

  /** Delivers a worker's segments up to `count` of them; what is missing is reported and passed over. */
  readFirst(workerId: string, count: number): Promise<void> {
    return this.#inTurn(async () => {
      for (let segment = this.#next.get(workerId) ?? 0; segment < count; segment += 1) {
        await this.#read(workerId, segment);
      }
    });
  }

  /** Delivers all that is there and was not read before. */
  readAll(): Promise<void> {
    return this.#inTurn(async () => {
      for await (const { key } of this.#storage.list(statusPrefix(this.#job), { signal: this.#signal })) {
        const found = parseStatusSegmentKey(this.#job, key);
        if (found === undefined || this.hasRead(found.workerId, found.segment + 1)) continue;
        await this.#read(found.workerId, found.segment);
      }
    });
  }

  async #read(workerId: string, segment: number): Promise<void> {
    const key = statusSegmentKey(this.#job, workerId, segment);
    try {
      const bytes = await this.#storage.get(key, { signal: this.#signal });
      this.#next.set(workerId, segment + 1);
      this.#sink.segment(bytes, key);
    } catch (cause) {
      if (!isSplitrockError(cause, 'STORAGE_OBJECT_NOT_FOUND')) throw cause;
      this.#next.set(workerId, segment + 1);
      this.#sink.trouble(missing(key, workerId, cause));
    }
  }

  /** One reading at a time: two would deliver the same segments. */
  #inTurn(reading: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(reading, reading);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

const missing = (key: string, workerId: string, cause: unknown): MonitoringError =>
  new MonitoringError(
    'DATA_CORRUPT',
    `A stored status segment is gone [key=${key}, worker=${workerId}]; something other than Splitrock removed it. ` +
      'Calls whose outcome it held are run again when their worker is found gone.',
    { cause, details: { key, workerId } },
  );
