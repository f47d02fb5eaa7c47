import {
  MonitoringError,
  StatusListener,
  formatJobId,
  type JobRef,
  type StatusListenerSetup,
} from '@splitrock/core/plugin';

export interface SubscriptionListenerSetup extends StatusListenerSetup {
  readonly job: JobRef;
  readonly storageName: string;
}

/** A subscriber's listener that can say what failed about the storage. */
export class SubscriptionListener extends StatusListener {
  readonly #job: JobRef;
  readonly #storageName: string;

  constructor(setup: SubscriptionListenerSetup) {
    super(setup);
    this.#job = setup.job;
    this.#storageName = setup.storageName;
  }

  /** Reports that the storage failed, once for all the failures of a look, and returns what it reported. */
  storageFailed(what: string, failures: readonly unknown[]): MonitoringError {
    const jobId = formatJobId(this.#job);
    const storage = this.#storageName;
    const [cause] = failures;
    const error = new MonitoringError(
      'MONITORING_UNAVAILABLE',
      `Status ${what} [job=${jobId}, storage=${storage}, failures=${failures.length}]: ` +
        (cause instanceof Error ? cause.message : String(cause)),
      { cause, retryable: true, details: { jobId, storage, failures: failures.length } },
    );
    this.trouble(error);
    return error;
  }
}
