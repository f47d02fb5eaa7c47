import { formatJobId, type JobRef } from '../contracts/calls.ts';
import type { StatusPublisher } from '../contracts/monitoring.ts';
import type { WorkerDeps } from '../contracts/plugin.ts';
import { IllegalStateError, InvalidArgumentError } from '../errors/splitrock-error.ts';
import type { StatusEvent } from '../wire/status-event.ts';
import { JobStatusWriter, type LogPublishingOptions } from './job-status-writer.ts';
import type { StatusLogWriter } from './status-log.ts';

/**
 * Publishes status to a log, a segment at a time for each job, and to storage while the log does not work.
 * A worker id must belong to one start of one process.
 */
export class LogStatusPublisher implements StatusPublisher {
  readonly #log: StatusLogWriter;
  readonly #options: LogPublishingOptions;
  readonly #deps: WorkerDeps;
  readonly #writers = new Map<string, JobStatusWriter>();
  #closing: Promise<void> | undefined;

  constructor(log: StatusLogWriter, options: LogPublishingOptions, deps: WorkerDeps) {
    requireKeyPart(deps.workerId);
    this.#log = log;
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * @throws MonitoringError with the log's reason when neither the log nor the storage takes the events.
   * @throws IllegalStateError after {@link close}.
   * @throws InvalidArgumentError for events of another worker.
   */
  async publish(job: JobRef, events: readonly StatusEvent[]): Promise<void> {
    if (this.#closing !== undefined) {
      throw new IllegalStateError('ILLEGAL_STATE', 'Status publisher is closed; publish before closing it.');
    }
    this.#requireOwn(events);
    if (events.length > 0) await this.#writer(job).publish(events);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#writers.values(), (writer) => writer.idle()));
    await this.#log.close();
  }

  #writer(job: JobRef): JobStatusWriter {
    const id = formatJobId(job);
    let writer = this.#writers.get(id);
    if (writer === undefined) {
      writer = new JobStatusWriter(this.#log, job, this.#options, this.#deps);
      this.#writers.set(id, writer);
    }
    return writer;
  }

  /** A segment names its worker once, for all its events. */
  #requireOwn(events: readonly StatusEvent[]): void {
    const { workerId } = this.#deps;
    const foreign = events.find((event) => event.workerId !== workerId);
    if (foreign === undefined) return;
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      `Status event of another worker [event=${foreign.workerId}, publisher=${workerId}]; each worker publishes its own.`,
    );
  }
}

/** Segments in storage are found by worker ids in their keys. */
function requireKeyPart(workerId: string): void {
  if (workerId !== '' && !workerId.includes('/')) return;
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `Worker id cannot be part of a storage key [worker=${workerId}]; use one without "/" that is not empty.`,
  );
}
