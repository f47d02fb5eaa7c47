import {
  IllegalStateError,
  InvalidArgumentError,
  formatJobId,
  type JobRef,
  type StatusEvent,
  type StatusPublisher,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { SegmentWriter } from './segment-writer.ts';
import type { StorageMonitoringOptions } from './storage-monitoring-options.ts';

/**
 * Publishes status by storing segments.
 *
 * The first events of a job are stored at once; what comes while a segment is on its way goes into the next one. So
 * there is no timer and no delay, and under load segments grow by themselves instead of multiplying.
 *
 * A worker id must belong to one start of one process: the numbers of a worker's segments begin at 0. What stays in
 * memory of a job after its events are stored is its next number.
 */
export class StorageStatusPublisher implements StatusPublisher {
  readonly #options: StorageMonitoringOptions;
  readonly #deps: WorkerDeps;
  readonly #writers = new Map<string, SegmentWriter>();
  #closed = false;

  /** @throws InvalidArgumentError for a worker id that cannot be part of a key: empty, or with a `/`. */
  constructor(options: StorageMonitoringOptions, deps: WorkerDeps) {
    requireKeyPart(deps.workerId);
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * @throws MonitoringError `MONITORING_UNAVAILABLE` when the storage refuses, or fails for `retryForMs`.
   * @throws IllegalStateError after {@link close}.
   * @throws InvalidArgumentError for events of another worker.
   */
  async publish(job: JobRef, events: readonly StatusEvent[]): Promise<void> {
    if (this.#closed) {
      throw new IllegalStateError('ILLEGAL_STATE', 'Status publisher is closed; publish before closing it.');
    }
    this.#requireOwn(events);
    if (events.length === 0) return;
    await this.#writer(job).publish(events);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#writers.values(), (writer) => writer.idle()));
  }

  #writer(job: JobRef): SegmentWriter {
    const id = formatJobId(job);
    let writer = this.#writers.get(id);
    if (writer === undefined) {
      writer = new SegmentWriter(job, this.#options, this.#deps);
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

/** Subscribers read worker ids from keys; one that they could not read would publish into the void. */
function requireKeyPart(workerId: string): void {
  if (workerId !== '' && !workerId.includes('/')) return;
  throw new InvalidArgumentError(
    'ARGUMENT_INVALID',
    `Worker id cannot be part of a storage key [worker=${workerId}]; use one without "/" that is not empty.`,
  );
}
