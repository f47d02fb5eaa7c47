/**
 * The `Backend` contract, client half: where calls run.
 *
 * Policy (retries, limits, chaining, speculation) belongs to the client's job; a backend only runs what it is given.
 * Its promise: **every submitted attempt of a call ends in exactly one of two ways** — its terminal status reaches the
 * job's monitoring, or {@link BackendListener.callsLost} names it — unless it was cancelled. A backend may redeliver an
 * attempt to another worker by itself (at-least-once); the job keeps the first terminal status and ignores the rest.
 */
import type { CallRange, JobRef, LossReason } from './calls.ts';
import type { InputPart } from '../wire/input-part.ts';
import type { StatusEvent } from '../wire/status-event.ts';
import type { OperationOptions } from './storage.ts';

/** Calls handed to a backend: one contiguous range of one job, one attempt. */
export interface CallSubmission {
  readonly job: JobRef;
  /**
   * The encoded job descriptor (see `wire/job-descriptor.ts`), the same bytes for every submission of a job. It is also in
   * storage, or soon will be where the backend says {@link Backend.carriesDescriptor}.
   */
  readonly descriptor: Uint8Array;
  readonly calls: CallRange;
  /** Which try this is, from 1. */
  readonly attempt: number;
  /** The stored input part that holds these calls' inputs; absent only when {@link inlineInputs} is given. */
  readonly part?: InputPart;
  /** These calls' inputs as an encoded input part of exactly {@link calls}, given when small: saves workers a read. */
  readonly inlineInputs?: Uint8Array;
  /** Workers that should not get these calls if another is free: they failed there before. A wish, not a command. */
  readonly avoidWorkers?: readonly string[];
}

/** What a backend tells its client. Methods return at once and never throw. */
export interface BackendListener {
  /** These attempts will get no terminal status: their worker is gone. The client decides whether to try again. */
  callsLost(event: CallsLostEvent): void;
  /**
   * Events that were published to the job's monitoring, brought here also by a way of the backend's own. Only from a
   * backend that says {@link Backend.deliversStatus}, in the order of their publication.
   */
  statusPublished(job: JobRef, events: readonly StatusEvent[]): void;
  /** Something a waiting user should know: no worker can start, the pool is unschedulable, the broker is away. */
  diagnosis(event: BackendDiagnosis): void;
  /** A worker came or went; for progress displays and timelines. */
  workerChanged(event: WorkerChange): void;
}

export interface CallsLostEvent {
  readonly job: JobRef;
  readonly attempt: number;
  readonly calls: readonly CallRange[];
  readonly reason: LossReason;
}

export interface BackendDiagnosis {
  /** `error`: nothing will run until someone acts. `info` also clears an earlier diagnosis of the same code. */
  readonly severity: 'info' | 'warning' | 'error';
  /** Stable, `UPPER_SNAKE`: `WORKER_START_FAILED`, `POOL_UNSCHEDULABLE`. */
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** The jobs that wait because of it; absent: all of this executor's. */
  readonly jobs?: readonly JobRef[];
}

export interface WorkerChange {
  readonly workerId: string;
  readonly change: 'started' | 'stopped' | 'lost';
  readonly slots?: number;
  readonly reason?: LossReason;
}

/** What the runtime that workers use offers; checked before a job that needs more is submitted. */
export interface RuntimeInfo {
  /** Node's version without the `v`. */
  readonly nodeVersion: string;
  /** The version of the worker runtime. */
  readonly splitrockVersion?: string;
  /** Packages a function may leave external, name to version. `undefined`: the client's own are visible to workers. */
  readonly packages?: Readonly<Record<string, string>>;
}

export interface StopOptions extends OperationOptions {
  /** How long running calls may go on before they are killed, in milliseconds; 0 kills at once. @defaultValue 0 */
  readonly graceMs?: number;
}

export interface CleanResult {
  /** What was removed, by kind: `{ pods: 3, queues: 1 }`. */
  readonly removed: Readonly<Record<string, number>>;
}

/** Client half of a backend plugin. One instance per executor; made by {@link BackendPlugin.createBackend}. */
export interface Backend {
  readonly name: string;

  /**
   * Whether every status of the calls submitted here reaches {@link BackendListener.statusPublished}, or else
   * {@link BackendListener.callsLost} names the calls whose status may have been published unheard. The client then
   * listens to monitoring only for calls that others submitted. @defaultValue false
   */
  readonly deliversStatus?: boolean;
  /**
   * Whether {@link CallSubmission.descriptor} reaches every worker that gets calls of the job by a way of the backend's
   * own. Else the client submits only once it is in storage. @defaultValue false
   */
  readonly carriesDescriptor?: boolean;
  /**
   * Whether workers see this machine's files under the same paths. Local files of data sets are read in place then; else
   * they are uploaded for the workers. @defaultValue false
   */
  readonly sharesFiles?: boolean;

  /** Prepares for submissions and begins to report to `listener`. Called once, before anything else. */
  start(listener: BackendListener, options?: OperationOptions): Promise<void>;

  /** How many calls can run at once now, and at most; lets the client choose how far ahead to read lazy inputs. */
  capacity(): { readonly current: number; readonly max: number };

  /** What the workers' runtime offers. May start a worker to ask it. */
  runtime(options?: OperationOptions): Promise<RuntimeInfo>;

  /**
   * Accepts calls to run. Resolves once the backend is bound by its promise for them; a rejection means that none of
   * them was accepted. Submissions of one job keep their order as far as workers are equal; jobs share workers fairly.
   */
  submit(submission: CallSubmission, options?: OperationOptions): Promise<void>;

  /**
   * Stops calls of a job, all of them without `calls`: waiting ones are dropped, running ones are aborted and killed
   * after their grace. Resolves when the request is on its way to every worker; no status need follow.
   * `attempt` restricts it to one attempt (a speculative copy).
   */
  cancel(
    job: JobRef,
    options?: OperationOptions & { readonly calls?: readonly CallRange[]; readonly attempt?: number },
  ): Promise<void>;

  /**
   * Calls of a job that this backend still holds for whoever submitted them, waiting or running: a client that attaches
   * does not submit those again. Left out by backends whose calls die with their client.
   */
  outstanding?(job: JobRef, options?: OperationOptions): Promise<readonly CallRange[]>;

  /**
   * Says that no more submissions of this job are expected, so that what is kept for it can go. One may come all the
   * same (failed calls are run again): it begins anew.
   */
  endJob(job: JobRef, options?: OperationOptions): Promise<void>;

  /**
   * Removes what jobs left with the backend (pods, queues), also of executors that are gone. Idempotent. May be asked of
   * a backend that was not started: `splitrock clean` starts no workers.
   */
  clean(
    target: { readonly executorId?: string; readonly job?: JobRef },
    options?: OperationOptions,
  ): Promise<CleanResult>;

  /** Refuses new work, stops workers that only this executor uses, frees everything. Idempotent. */
  stop(options?: StopOptions): Promise<void>;
}
