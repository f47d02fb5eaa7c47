/**
 * Stores the events of one job as numbered segments: one put in flight, no number left out, no key written twice.
 *
 * A put whose answer was lost may have been done all the same, so a taken key is looked at before it counts as a
 * collision: our own bytes mean that the put had succeeded; the bytes of a segment given up earlier mean that it came
 * through late (its events are delivered twice then, which the contract allows), and the next number is tried.
 */
import { createHash } from 'node:crypto';
import {
  EventQueue,
  MonitoringError,
  encodeStatusSegment,
  formatJobId,
  statusSegmentKey,
  type EventBatch,
  type JobRef,
  type StatusEvent,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { retryTransient } from './retry.ts';
import type { StorageMonitoringOptions } from './storage-monitoring-options.ts';

type Ownership = 'this segment' | 'one given up' | 'foreign';

export class SegmentWriter {
  readonly #job: JobRef;
  readonly #options: StorageMonitoringOptions;
  readonly #deps: WorkerDeps;
  readonly #queue = new EventQueue();
  #running: Promise<void> | undefined;
  #nextNumber = 0;
  /** Digests of segments that were given up at {@link #nextNumber}: any of them may still turn out to be stored. */
  #givenUp: string[] = [];

  constructor(job: JobRef, options: StorageMonitoringOptions, deps: WorkerDeps) {
    this.#job = job;
    this.#options = options;
    this.#deps = deps;
  }

  /** Resolves when the events are durable. */
  publish(events: readonly StatusEvent[]): Promise<void> {
    const durable = this.#queue.add(events);
    this.#running ??= this.#run();
    return durable;
  }

  /** Resolves when nothing waits and nothing is in flight. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // What is published in the same turn of the event loop shares a segment.
    await Promise.resolve();
    const limits = { maxEvents: this.#options.maxSegmentEvents, maxBytes: this.#options.maxSegmentBytes };
    for (let batch = this.#queue.take(limits); batch !== undefined; batch = this.#queue.take(limits)) {
      await this.#write(batch);
    }
    this.#running = undefined;
  }

  async #write(batch: EventBatch): Promise<void> {
    try {
      await this.#store(encodeStatusSegment(this.#deps.workerId, batch.events));
      batch.stored();
    } catch (cause) {
      batch.failed(this.#failure(batch, cause));
    }
  }

  async #store(bytes: Uint8Array): Promise<void> {
    for (;;) {
      const key = statusSegmentKey(this.#job, this.#deps.workerId, this.#nextNumber);
      const found = await this.#putOrRecognise(key, bytes);
      if (found === 'foreign') throw collision(key, this.#deps.workerId);
      this.#nextNumber += 1;
      this.#givenUp = [];
      if (found === 'this segment') return;
    }
  }

  async #putOrRecognise(key: string, bytes: Uint8Array): Promise<Ownership> {
    const { storage, clock, logger } = this.#deps;
    try {
      return await retryTransient(
        async () => {
          const { created } = await storage.put(key, bytes, { ifAbsent: true });
          return created ? 'this segment' : this.#recognise(await storage.get(key), bytes);
        },
        {
          clock,
          retryForMs: this.#options.retryForMs,
          onRetry: (error, delayMs) =>
            logger.warn('Status segment not stored yet', { key, delayMs, error: error.message }),
        },
      );
    } catch (error) {
      this.#givenUp.push(digest(bytes));
      throw error;
    }
  }

  #recognise(stored: Uint8Array, bytes: Uint8Array): Ownership {
    if (Buffer.compare(stored, bytes) === 0) return 'this segment';
    return this.#givenUp.includes(digest(stored)) ? 'one given up' : 'foreign';
  }

  #failure(batch: EventBatch, cause: unknown): MonitoringError {
    const { workerId } = this.#deps;
    const jobId = formatJobId(this.#job);
    const details = { jobId, workerId, segment: this.#nextNumber, events: batch.events.length };
    return new MonitoringError(
      'MONITORING_UNAVAILABLE',
      `Status cannot be stored [job=${jobId}, worker=${workerId}, segment=${this.#nextNumber}, events=${batch.events.length}]: ` +
        `${cause instanceof Error ? cause.message : String(cause)} Check that workers can write to the storage.`,
      { cause, details },
    );
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

const collision = (key: string, workerId: string): MonitoringError =>
  new MonitoringError(
    'MONITORING_UNAVAILABLE',
    `Status segment was written by another process [key=${key}]; two processes use the worker id ${workerId}, which must be unique for each start.`,
    { details: { key, workerId } },
  );
