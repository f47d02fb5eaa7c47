import type { CleanResult } from '../contracts/backend.ts';
import type { JobRef } from '../contracts/calls.ts';
import type { StatusSubscriber, StatusSubscription, SubscribeOptions } from '../contracts/monitoring.ts';
import type { SubscriberDeps } from '../contracts/plugin.ts';
import { IllegalStateError } from '../errors/splitrock-error.ts';
import type { StatusEvent } from '../wire/status-event.ts';
import { LogSubscription } from './log-subscription.ts';
import { StatusListener } from './status-listener.ts';
import type { StatusLogReader } from './status-log.ts';

/** Delivers status from a log, and from storage what workers put there while the log did not work for them. */
export class LogStatusSubscriber implements StatusSubscriber {
  readonly #log: StatusLogReader;
  readonly #deps: SubscriberDeps;
  readonly #open = new Set<LogSubscription>();
  #closing: Promise<void> | undefined;

  constructor(log: StatusLogReader, deps: SubscriberDeps) {
    this.#log = log;
    this.#deps = deps;
  }

  /**
   * @throws MonitoringError with the server's reason when it refuses or cannot be reached.
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
    const { storage, clock, logger } = this.#deps;
    const subscription = new LogSubscription({
      job,
      log: this.#log,
      storage,
      clock,
      listener: new StatusListener({ logger, onEvents, onTrouble }),
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

  async clean(jobs: readonly JobRef[]): Promise<CleanResult> {
    this.#requireOpen();
    return { removed: { statusLogs: jobs.length === 0 ? 0 : await this.#log.remove(jobs) } };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#open, (subscription) => subscription.close()));
    await this.#log.close();
  }

  #requireOpen(): void {
    if (this.#closing === undefined) return;
    throw new IllegalStateError('ILLEGAL_STATE', 'Status subscriber is closed; subscribe before closing it.');
  }
}
