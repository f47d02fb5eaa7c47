/**
 * The `Monitoring` contract: how status travels from workers to the client.
 *
 * The worker half publishes batches of {@link StatusEvent}s, the client half subscribes to a job's. Delivery is at
 * least once and replayable: a subscriber that comes late, or again, can get everything published for the job.
 */
import type { CleanResult } from './backend.ts';
import type { JobRef } from './calls.ts';
import type { OperationOptions } from './storage.ts';
import type { StatusEvent } from '../wire/status-event.ts';

/** Worker half of a monitoring plugin. */
export interface StatusPublisher {
  /**
   * Publishes events of one job, in order. Resolves when they are durable: a client that subscribes later will see
   * them. Concurrent calls are allowed; events of one call keep their order. Transient trouble is retried inside; a
   * rejection means that the events may be lost, and the worker gives the calls back.
   */
  publish(job: JobRef, events: readonly StatusEvent[]): Promise<void>;
  /** Publishes what is buffered and disconnects. Idempotent. */
  close(): Promise<void>;
}

export interface SubscribeOptions extends OperationOptions {
  /**
   * Also deliver what was published before now. A job that this client is about to submit needs none, and the
   * transport may save the look. @defaultValue true
   */
  readonly replay?: boolean;
}

/** Client half of a monitoring plugin. */
export interface StatusSubscriber {
  /**
   * Begins to deliver the job's events; resolves once nothing published from now on can be missed. `onEvents` gets
   * batches; events of one (call, attempt, worker) come in order, duplicates are possible. It must not throw.
   * Trouble with the transport is retried inside and told to `onTrouble`, which may get several reports.
   */
  subscribe(
    job: JobRef,
    onEvents: (events: readonly StatusEvent[]) => void,
    onTrouble: (error: Error) => void,
    options?: SubscribeOptions,
  ): Promise<StatusSubscription>;
  /**
   * Removes what the transport keeps of these jobs, also of executors that are gone; asked once their objects are gone
   * from storage. Idempotent. Left out by transports that keep nothing outside the job's storage.
   */
  clean?(jobs: readonly JobRef[]): Promise<CleanResult>;
  /** Ends all subscriptions and disconnects. Idempotent. */
  close(): Promise<void>;
}

export interface StatusSubscription {
  /**
   * Looks for events now and resolves once all that were durable when it was called have been delivered. The client
   * asks for it before it believes that calls are lost.
   */
  refresh(options?: OperationOptions): Promise<void>;
  /** Nothing is delivered after this resolves. No polling, timer or connection of this job stays. Idempotent. */
  close(): Promise<void>;
}
