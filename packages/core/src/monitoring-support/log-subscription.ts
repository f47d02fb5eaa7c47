/**
 * Follows the status of one job for one subscriber: from its log, and from storage what went there instead.
 *
 * Segments in storage are read when a message tells of them, when a refresh asks, and now and then by looking: often
 * while the log cannot be reached (its workers may be as cut off), seldom else (only one of them may be).
 */
import { formatJobId, type JobRef } from '../contracts/calls.ts';
import type { Clock, ClockTimer } from '../contracts/clock.ts';
import type { StatusSubscription, SubscribeOptions } from '../contracts/monitoring.ts';
import type { OperationOptions, Storage } from '../contracts/storage.ts';
import { IllegalStateError, MonitoringError } from '../errors/splitrock-error.ts';
import { abortable } from '../storage-support/abortable.ts';
import { decodeStatusSegment, type StatusEvent } from '../wire/status-event.ts';
import type { StatusListener } from './status-listener.ts';
import type { StatusLogFollower, StatusLogReader, StatusLogSink, StatusMessage } from './status-log.ts';
import { StoredStatusReader, type StoredStatusSink } from './stored-status.ts';

const LOOK_AFTER_MS = 30_000;
const LOOK_IN_OUTAGE_AFTER_MS = 2_000;

export interface LogSubscriptionSetup {
  readonly job: JobRef;
  readonly log: StatusLogReader;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly listener: StatusListener;
  readonly onClosed: () => void;
}

export class LogSubscription implements StatusSubscription, StatusLogSink, StoredStatusSink {
  readonly #setup: LogSubscriptionSetup;
  readonly #abort = new AbortController();
  readonly #stored: StoredStatusReader;
  /** Number of the next segment of each worker. */
  readonly #next = new Map<string, number>();
  readonly #waiting: StatusMessage[] = [];
  #delivering: Promise<void> | undefined;
  #fromBeginning = true;
  #follower: StatusLogFollower | undefined;
  #timer: ClockTimer | undefined;
  #looking = false;
  #storageFails = false;
  #closing: Promise<void> | undefined;

  constructor(setup: LogSubscriptionSetup) {
    this.#setup = setup;
    this.#stored = new StoredStatusReader(setup.storage, setup.job, this, this.#abort.signal);
  }

  /** Begins to follow. Called once. */
  async open({ replay = true, signal }: SubscribeOptions): Promise<void> {
    this.#fromBeginning = replay;
    const { log, job } = this.#setup;
    const follower = await log.follow(job, this, { replay, signal });
    if (this.#closing !== undefined) return follower.close();
    this.#follower = follower;
    if (replay) void this.#look();
    else this.#setTimer();
  }

  async refresh({ signal }: OperationOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw this.#closedError();
    await abortable(this.#refresh(), signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  message(message: StatusMessage): void {
    if (this.#closing !== undefined) return;
    if (this.#delivering === undefined && this.#stored.hasRead(message.workerId, message.stored)) {
      this.#deliver(message);
      return;
    }
    this.#waiting.push(message);
    this.#delivering ??= this.#deliverWaiting();
  }

  trouble(error: Error): void {
    this.#setup.listener.trouble(error);
    // A connection that broke calls for looking more often.
    this.#setTimer();
  }

  /** From storage. */
  segment(segment: Uint8Array, key: string): void {
    this.#decode(segment, { key });
  }

  async #close(): Promise<void> {
    this.#setup.listener.mute();
    this.#abort.abort(this.#closedError());
    this.#timer?.cancel();
    await this.#follower?.close();
    await this.#delivering;
    this.#setup.onClosed();
  }

  async #refresh(): Promise<void> {
    try {
      await this.#follower?.catchUp();
      await this.#delivering;
    } finally {
      // Also when the log cannot be reached: what is in storage may be all there is.
      await this.#readStored();
    }
    if (this.#closing !== undefined) throw this.#closedError();
  }

  async #readStored(): Promise<void> {
    try {
      await this.#stored.readAll();
      this.#storageFails = false;
    } catch (cause) {
      throw this.#closing === undefined ? this.#storageFailed(cause) : this.#closedError();
    }
  }

  /** Messages wait while stored segments that come before them are read. */
  async #deliverWaiting(): Promise<void> {
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      try {
        await this.#stored.readFirst(message.workerId, message.stored);
      } catch (cause) {
        // Later looks find them; what is at hand must not wait for a store that is away.
        if (this.#closing === undefined) this.#storageFailed(cause);
      }
      this.#deliver(message);
    }
    this.#delivering = undefined;
  }

  #deliver({ workerId, number, segment }: StatusMessage): void {
    const expected = this.#next.get(workerId) ?? (this.#fromBeginning ? 0 : number);
    if (number > expected) this.#setup.listener.trouble(this.#missing(workerId, expected, number));
    if (segment.length === 0) {
      this.#next.set(workerId, Math.max(expected, number));
      return;
    }
    this.#next.set(workerId, Math.max(expected, number + 1));
    this.#decode(segment, { worker: workerId, number });
  }

  #decode(segment: Uint8Array, where: Readonly<Record<string, unknown>>): void {
    const { listener, job } = this.#setup;
    let events: readonly StatusEvent[];
    try {
      events = decodeStatusSegment(segment);
    } catch (cause) {
      const facts = Object.entries({ job: formatJobId(job), ...where, bytes: segment.length });
      const message =
        `A status segment cannot be read [${facts.map(([key, value]) => `${key}=${String(value)}`).join(', ')}]: ` +
        (cause instanceof Error ? cause.message : String(cause));
      listener.trouble(new MonitoringError('DATA_CORRUPT', message, { cause, details: Object.fromEntries(facts) }));
      return;
    }
    listener.deliver(events);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    this.#timer?.cancel();
    try {
      await this.#readStored();
    } catch {
      // Has been told.
    }
    this.#looking = false;
    this.#setTimer();
  }

  #setTimer(): void {
    this.#timer?.cancel();
    if (this.#closing !== undefined || this.#looking) return;
    const delayMs = this.#follower?.connected === false ? LOOK_IN_OUTAGE_AFTER_MS : LOOK_AFTER_MS;
    this.#timer = this.#setup.clock.setTimer(() => void this.#look(), delayMs);
  }

  /** Told once until the storage works again. */
  #storageFailed(cause: unknown): MonitoringError {
    const { job, storage, listener } = this.#setup;
    const details = { jobId: formatJobId(job), storage: storage.name };
    const error = new MonitoringError(
      'MONITORING_UNAVAILABLE',
      `Status in storage cannot be read [job=${details.jobId}, storage=${details.storage}]: ` +
        (cause instanceof Error ? cause.message : String(cause)),
      { cause, retryable: true, details },
    );
    if (!this.#storageFails) listener.trouble(error);
    this.#storageFails = true;
    return error;
  }

  #missing(workerId: string, from: number, to: number): MonitoringError {
    const jobId = formatJobId(this.#setup.job);
    return new MonitoringError(
      'DATA_CORRUPT',
      `Status messages are missing [job=${jobId}, worker=${workerId}, from=${from}, to=${to - 1}]: the server lost ` +
        'or dropped them. Calls whose outcome they held are run again when their worker is found gone.',
      { details: { jobId, workerId, from, to } },
    );
  }

  #closedError(): IllegalStateError {
    return new IllegalStateError(
      'ILLEGAL_STATE',
      `The subscription is closed [job=${formatJobId(this.#setup.job)}]; subscribe again to go on.`,
    );
  }
}
