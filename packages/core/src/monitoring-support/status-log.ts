/**
 * A status log: the transport of a monitoring that keeps what is published, in order, for whoever reads it later.
 *
 * A monitoring over such a transport writes these two halves and gets the rest from {@link LogStatusPublisher} and
 * {@link LogStatusSubscriber}: batches, large events, storage as the way round an outage, replay, refresh, cleaning.
 */
import type { JobRef } from '../contracts/calls.ts';
import type { OperationOptions } from '../contracts/storage.ts';

/** One message in a log: a status segment, or only the news that segments are in storage instead. */
export interface StatusMessage {
  readonly workerId: string;
  /** How many segments of this job the worker had put into the log before: readers notice what is missing. */
  readonly number: number;
  /** How many segments of this job the worker had put into storage before; they come first. */
  readonly stored: number;
  /** An encoded status segment; empty in a message that only tells of stored ones. */
  readonly segment: Uint8Array;
}

/** Worker half. */
export interface StatusLogWriter {
  /**
   * Appends a message; resolves when it is durable, also when the job has been cleaned and nobody can ask any more.
   * Makes the log if there is none. Messages of one job come one after the other, except for those without a segment.
   * @throws MonitoringError when the server refuses, or has not taken it for `patienceMs`; it may have it all the same.
   */
  append(job: JobRef, message: StatusMessage, options: { readonly patienceMs: number }): Promise<void>;
  /** Disconnects; what waits is rejected. Idempotent. */
  close(): Promise<void>;
}

/** Where a reader delivers. Nothing here throws. */
export interface StatusLogSink {
  message(message: StatusMessage): void;
  /** The connection broke or something is missing; told once for each trouble. */
  trouble(error: Error): void;
}

export interface FollowOptions extends OperationOptions {
  /** Also deliver what was appended before now; without it that may be left out. */
  readonly replay: boolean;
}

/** Client half. */
export interface StatusLogReader {
  /**
   * Follows a job's log, through breaks of the connection, until closed. Resolves once nothing appended from now on can
   * be missed; makes the log if there is none, so that workers find it.
   * @throws MonitoringError when the server refuses or cannot be reached.
   */
  follow(job: JobRef, sink: StatusLogSink, options: FollowOptions): Promise<StatusLogFollower>;
  /** Removes what is kept for these jobs, and gives the number of logs removed. Their objects in storage are gone already. */
  remove(jobs: readonly JobRef[]): Promise<number>;
  /** Disconnects. Idempotent; followers are closed before. */
  close(): Promise<void>;
}

export interface StatusLogFollower {
  /** False while the connection is broken. */
  readonly connected: boolean;
  /**
   * Resolves once all that was in the log when it was called has been given to the sink.
   * @throws MonitoringError when the server cannot be reached for too long.
   */
  catchUp(): Promise<void>;
  /** Nothing is given to the sink after this was called. Idempotent. */
  close(): Promise<void>;
}
