/** What a call's function receives after its item. */
import type { UserStorage } from '../user-storage/user-storage.ts';

export interface CallContext {
  readonly executorId: string;
  /** `<executorId>-<number>`, as `executor.attach` takes it. */
  readonly jobId: string;
  readonly jobName: string;
  /** Index of this call in its job, from 0. */
  readonly callId: number;
  /** Which try this is, from 1. */
  readonly attempt: number;
  /** Aborts when the call times out or is cancelled; its reason says which. After a grace the process is killed. */
  readonly signal: AbortSignal;
  /** The job's storage. Connects when first used. */
  readonly storage: UserStorage;
  /** Writes structured lines to the call's log; `console` and child processes' output are captured as well. */
  readonly log: CallLogger;
}

export interface CallLogger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
