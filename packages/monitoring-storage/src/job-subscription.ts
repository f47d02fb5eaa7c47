/**
 * Follows the segments of one job for one subscriber.
 *
 * One *look* at the storage runs at a time. A look asks for new workers (a listing of first segments) and for the next
 * segment of each worker that is due; a *survey* lists what exists and delivers exactly that: it serves refreshes, and
 * now and then makes sure that no segment went missing unnoticed.
 *
 * - Watched storage: every change leads to a look at everything; there is no timer, but one after a failed look and
 *   one survey {@link SURVEY_AFTER_MS} after changes.
 * - Any other storage: new workers and each worker's segments have their own interval (see `poll-timing.ts`), so a
 *   silent worker costs little while a busy one is followed closely.
 */
import {
  IllegalStateError,
  formatJobId,
  isWatchableStorage,
  statusPrefix,
  type ClockTimer,
  type JobRef,
  type OperationOptions,
  type StatusSubscription,
  type StorageWatch,
  type SubscribeOptions,
  type SubscriberDeps,
} from '@splitrock/core/plugin';
import { firstPoll, nextPoll, type PollOutcome, type PollTiming } from './poll-timing.ts';
import type { ReadPermits } from './read-permits.ts';
import { SegmentCursor, type SegmentSource } from './segment-cursor.ts';
import { findUnread, listWorkers } from './segment-survey.ts';
import type { StorageMonitoringOptions } from './storage-monitoring-options.ts';
import type { SubscriptionListener } from './subscription-listener.ts';

const SURVEY_AFTER_MS = 30_000;

export interface JobSubscriptionSetup {
  readonly job: JobRef;
  readonly listener: SubscriptionListener;
  readonly options: StorageMonitoringOptions;
  readonly deps: SubscriberDeps;
  readonly permits: ReadPermits;
  readonly onClosed: () => void;
}

interface Refresh {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class JobSubscription implements StatusSubscription {
  readonly #setup: JobSubscriptionSetup;
  readonly #source: SegmentSource;
  readonly #listener: SubscriptionListener;
  readonly #abort = new AbortController();
  readonly #cursors = new Map<string, SegmentCursor>();
  #refreshes: Refresh[] = [];
  /** Something may have changed anywhere since the last look began. */
  #changed = false;
  #running: Promise<void> | undefined;
  #discovery: PollTiming = firstPoll(Infinity);
  #surveyAtMs = Infinity;
  #lastLookAtMs = -Infinity;
  #timer: ClockTimer | undefined;
  #watch: StorageWatch | undefined;
  #closing: Promise<void> | undefined;

  constructor(setup: JobSubscriptionSetup) {
    this.#setup = setup;
    this.#source = {
      job: setup.job,
      storage: setup.deps.storage,
      permits: setup.permits,
      maxParallelReads: setup.options.parallelReads,
      signal: this.#abort.signal,
    };
    this.#listener = setup.listener;
  }

  /** Watches the storage or begins to poll. Called once. */
  async open({ replay = true, signal }: SubscribeOptions): Promise<void> {
    await this.#startWatch(signal);
    if (this.#closing !== undefined) return;
    const now = this.#now();
    if (this.#watch === undefined) {
      this.#discovery = nextPoll(firstPoll(now), 'progress', now, this.#limits);
      this.#surveyAtMs = now + SURVEY_AFTER_MS;
    }
    if (replay) this.#onChange();
    else this.#setTimer();
  }

  async refresh({ signal }: OperationOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw this.#closedError();
    let onAbort: (() => void) | undefined;
    const done = new Promise<void>((resolve, reject) => {
      this.#refreshes.push({ resolve, reject });
      onAbort = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    this.#wake();
    try {
      await done;
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#listener.mute();
    this.#abort.abort(this.#closedError());
    this.#timer?.cancel();
    for (const refresh of this.#refreshes.splice(0)) refresh.reject(this.#closedError());
    await this.#watch?.close();
    await this.#running;
    this.#setup.onClosed();
  }

  async #startWatch(signal: AbortSignal | undefined): Promise<void> {
    const { job, deps } = this.#setup;
    if (!isWatchableStorage(deps.storage)) return;
    try {
      const watch = await deps.storage.watch(statusPrefix(job), () => this.#onChange(), { signal });
      // Closed while the watch was being set up: nobody else knows of it.
      if (this.#closing === undefined) this.#watch = watch;
      else await watch.close();
    } catch (cause) {
      signal?.throwIfAborted();
      this.#listener.storageFailed('cannot be watched; polling instead', [cause]);
    }
  }

  #onChange(): void {
    this.#changed = true;
    this.#wake();
  }

  /** Does what is to be done now; while that runs, it finds by itself what comes up. */
  #wake(): void {
    if (this.#closing === undefined) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    // Requests of one turn of the event loop share a look.
    await Promise.resolve();
    while (this.#closing === undefined) {
      const now = this.#now();
      if (this.#refreshes.length > 0 || this.#surveyAtMs <= now) await this.#answer(this.#refreshes.splice(0));
      else if (this.#changed) await this.#lookAtAll();
      else if (this.#earliestDue() <= now) await this.#look((timing) => timing.dueAtMs <= now);
      else break;
    }
    this.#running = undefined;
    this.#setTimer();
  }

  async #lookAtAll(): Promise<void> {
    this.#changed = false;
    await this.#look(() => true);
    if (this.#watch !== undefined) this.#surveyAtMs = Math.min(this.#surveyAtMs, this.#now() + SURVEY_AFTER_MS);
  }

  async #look(isDue: (timing: PollTiming) => boolean): Promise<void> {
    this.#lastLookAtMs = this.#now();
    const failures: unknown[] = [];
    const due = Array.from(this.#cursors.values()).filter((cursor) => isDue(cursor.timing));
    await Promise.all([
      ...(isDue(this.#discovery) ? [this.#discover(failures)] : []),
      ...due.map((cursor) => this.#advance(cursor, failures)),
    ]);
    if (failures.length > 0) this.#listener.storageFailed('cannot be read; trying again', failures);
  }

  async #discover(failures: unknown[]): Promise<void> {
    const found: Promise<void>[] = [];
    let outcome: PollOutcome;
    try {
      for await (const workerId of listWorkers(this.#source.storage, this.#source.job, this.#source.signal)) {
        if (!this.#cursors.has(workerId)) found.push(this.#advance(this.#cursorOf(workerId), failures));
      }
      outcome = found.length > 0 ? 'progress' : 'idle';
    } catch (error) {
      failures.push(error);
      outcome = 'failed';
    }
    this.#discovery = nextPoll(this.#discovery, outcome, this.#now(), this.#limits);
    await Promise.all(found);
  }

  async #advance(cursor: SegmentCursor, failures: unknown[]): Promise<void> {
    let outcome: PollOutcome;
    try {
      outcome = await cursor.advance();
    } catch (error) {
      failures.push(error);
      outcome = 'failed';
    }
    cursor.timing = nextPoll(cursor.timing, outcome, this.#now(), this.#limits);
  }

  /** Surveys for those who wait for it, or for nobody in particular. */
  async #answer(refreshes: readonly Refresh[]): Promise<void> {
    try {
      await this.#survey();
      for (const refresh of refreshes) refresh.resolve();
    } catch (cause) {
      const error = this.#listener.storageFailed('cannot be read', [cause]);
      for (const refresh of refreshes) refresh.reject(this.#closing === undefined ? error : this.#closedError());
      this.#surveyAtMs = this.#now() + SURVEY_AFTER_MS;
    }
  }

  async #survey(): Promise<void> {
    this.#surveyAtMs = this.#watch === undefined ? this.#now() + SURVEY_AFTER_MS : Infinity;
    const { storage, job, signal } = this.#source;
    const unread = await findUnread(storage, job, (workerId) => this.#cursors.get(workerId)?.next ?? 0, signal);
    await Promise.all(Array.from(unread, ([workerId, segment]) => this.#cursorOf(workerId).advanceTo(segment)));
  }

  #cursorOf(workerId: string): SegmentCursor {
    let cursor = this.#cursors.get(workerId);
    if (cursor === undefined) {
      cursor = new SegmentCursor(
        workerId,
        nextPoll(firstPoll(0), 'progress', this.#now(), this.#limits),
        this.#source,
        this.#listener,
      );
      this.#cursors.set(workerId, cursor);
    }
    return cursor;
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#closing !== undefined) return;
    const dueAtMs = Math.min(this.#earliestDue(), this.#surveyAtMs);
    if (dueAtMs === Infinity) return;
    // Workers fall due at different moments; taking them together keeps ticks apart by the smallest interval.
    const atMs = Math.max(dueAtMs, this.#lastLookAtMs + this.#setup.options.minIntervalMs);
    this.#timer = this.#setup.deps.clock.setTimer(() => this.#wake(), atMs - this.#now(), { keepAlive: true });
  }

  #earliestDue(): number {
    let earliest = this.#discovery.dueAtMs;
    for (const { timing } of this.#cursors.values()) earliest = Math.min(earliest, timing.dueAtMs);
    return earliest;
  }

  get #limits() {
    const { minIntervalMs, maxIntervalMs } = this.#setup.options;
    return { minIntervalMs, maxIntervalMs, watched: this.#watch !== undefined };
  }

  #now(): number {
    return this.#setup.deps.clock.now();
  }

  #closedError(): IllegalStateError {
    return new IllegalStateError(
      'ILLEGAL_STATE',
      `The subscription is closed [job=${formatJobId(this.#setup.job)}]; subscribe again to go on.`,
    );
  }
}
