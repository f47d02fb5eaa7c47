import {
  IllegalStateError,
  type JobRef,
  type StatusEvent,
  type StatusSubscriber,
  type StatusSubscription,
  type SubscribeOptions,
  type SubscriberDeps,
} from '@splitrock/core/plugin';
import { JobSubscription } from './job-subscription.ts';
import { ReadPermits } from './read-permits.ts';
import type { StorageMonitoringOptions } from './storage-monitoring-options.ts';
import { SubscriptionListener } from './subscription-listener.ts';

/**
 * Delivers status by reading segments: when the storage tells of changes if it can be watched, else by polling with an
 * interval that follows the work. With no subscription open nothing runs: no timer, no watch, no request.
 */
export class StorageStatusSubscriber implements StatusSubscriber {
  readonly #options: StorageMonitoringOptions;
  readonly #deps: SubscriberDeps;
  readonly #permits: ReadPermits;
  readonly #open = new Set<JobSubscription>();
  #closed = false;

  constructor(options: StorageMonitoringOptions, deps: SubscriberDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#permits = new ReadPermits(options.parallelReads);
  }

  /**
   * `replay: false` leaves out the first look at the storage; events published before are delivered all the same when
   * their worker publishes more, or with a refresh.
   * @throws IllegalStateError after {@link close}.
   */
  async subscribe(
    job: JobRef,
    onEvents: (events: readonly StatusEvent[]) => void,
    onTrouble: (error: Error) => void,
    options: SubscribeOptions = {},
  ): Promise<StatusSubscription> {
    options.signal?.throwIfAborted();
    this.#requireOpen();
    const { storage, logger } = this.#deps;
    const subscription = new JobSubscription({
      job,
      listener: new SubscriptionListener({ job, storageName: storage.name, logger, onEvents, onTrouble }),
      options: this.#options,
      deps: this.#deps,
      permits: this.#permits,
      onClosed: () => this.#open.delete(subscription),
    });
    this.#open.add(subscription);
    try {
      await subscription.open(options);
      this.#requireOpen();
    } catch (error) {
      await subscription.close();
      throw error;
    }
    return subscription;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#open, (subscription) => subscription.close()));
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    throw new IllegalStateError('ILLEGAL_STATE', 'Status subscriber is closed; subscribe before closing it.');
  }
}
