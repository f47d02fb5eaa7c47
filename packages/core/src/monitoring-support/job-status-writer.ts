/**
 * Publishes the events of one job to a status log, and to storage where that does not take them.
 *
 * One segment is on its way at a time; what comes meanwhile goes into the next. A log that did not take a segment in
 * time is in trouble: the segment goes to storage, later ones wait only a moment until the log works again, and a
 * message that tells of the stored ones is appended as soon as that can be done.
 */
import { formatJobId, type JobRef } from '../contracts/calls.ts';
import type { WorkerDeps } from '../contracts/plugin.ts';
import { MonitoringError, isSplitrockError } from '../errors/splitrock-error.ts';
import { encodeStatusSegment, type StatusEvent } from '../wire/status-event.ts';
import { EventQueue, type EventBatch } from './event-queue.ts';
import type { StatusLogWriter } from './status-log.ts';
import { StoredStatusWriter } from './stored-status.ts';

export interface LogPublishingOptions {
  /** Most events in one segment. */
  readonly maxSegmentEvents: number;
  /** About the most bytes in one segment. */
  readonly maxSegmentBytes: number;
  /** A segment of more bytes (a single event's, as a rule) goes to storage. */
  readonly maxMessageBytes: number;
  /** How long the log may take for a segment before that goes to storage. */
  readonly patienceMs: number;
}

/** While the log is in trouble: enough for one that has just come back. */
const HURRIED_MS = 250;
/** How long it is tried to tell of stored segments; after that readers find them by looking. */
const ANNOUNCE_FOR_MS = 120_000;
const NOTHING = new Uint8Array();

export class JobStatusWriter {
  readonly #log: StatusLogWriter;
  readonly #job: JobRef;
  readonly #options: LogPublishingOptions;
  readonly #deps: WorkerDeps;
  readonly #queue = new EventQueue();
  readonly #stored: StoredStatusWriter;
  #running: Promise<void> | undefined;
  #appended = 0;
  #announced = 0;
  #announcing = false;
  #inTrouble = false;

  constructor(log: StatusLogWriter, job: JobRef, options: LogPublishingOptions, deps: WorkerDeps) {
    this.#log = log;
    this.#job = job;
    this.#options = options;
    this.#deps = deps;
    this.#stored = new StoredStatusWriter(deps.storage, job, deps.workerId);
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
    const segment = encodeStatusSegment(this.#deps.workerId, batch.events);
    const refusal = segment.length > this.#options.maxMessageBytes ? 'too large' : await this.#append(segment);
    if (refusal === undefined) return batch.stored();
    try {
      await this.#stored.store(segment);
    } catch (cause) {
      return batch.failed(this.#failure(batch, refusal, cause));
    }
    batch.stored();
    void this.#announce();
  }

  /** Appends a segment; gives the reason when the log did not take it. */
  async #append(segment: Uint8Array): Promise<Error | undefined> {
    const { logger } = this.#deps;
    try {
      const patienceMs = this.#inTrouble ? HURRIED_MS : this.#options.patienceMs;
      await this.#log.append(this.#job, this.#message(segment), { patienceMs });
      this.#appended += 1;
      this.#announced = this.#stored.count;
      this.#inTrouble = false;
      return undefined;
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      if (!this.#inTrouble)
        logger.warn('Status goes to storage', { job: formatJobId(this.#job), error: error.message });
      this.#inTrouble = true;
      return error;
    }
  }

  /** Tells readers of segments in storage. Nobody waits for it: they find them by themselves, only later. */
  async #announce(): Promise<void> {
    if (this.#announcing) return;
    this.#announcing = true;
    try {
      while (this.#announced < this.#stored.count) {
        const message = this.#message(NOTHING);
        await this.#log.append(this.#job, message, { patienceMs: ANNOUNCE_FOR_MS });
        this.#announced = Math.max(this.#announced, message.stored);
        this.#inTrouble = false;
      }
    } catch (error) {
      this.#deps.logger.debug('Stored status not announced', { job: formatJobId(this.#job), error: String(error) });
    }
    this.#announcing = false;
  }

  #message(segment: Uint8Array) {
    return { workerId: this.#deps.workerId, number: this.#appended, stored: this.#stored.count, segment };
  }

  #failure(batch: EventBatch, refusal: Error | 'too large', cause: unknown): MonitoringError {
    const { workerId } = this.#deps;
    const jobId = formatJobId(this.#job);
    const events = batch.events.length;
    const why = refusal === 'too large' ? 'It is too large for a message.' : refusal.message;
    return new MonitoringError(
      isSplitrockError(refusal) ? refusal.code : 'MONITORING_UNAVAILABLE',
      `Status cannot be published [job=${jobId}, worker=${workerId}, events=${events}]: ${why} ` +
        `Nor could it be put into storage: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause, details: { jobId, workerId, events } },
    );
  }
}
