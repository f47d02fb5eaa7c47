/** What can be observed of a job, and the emitter for it. Event names are `noun:phase[:outcome]`. */
import type { CallError } from '../errors/splitrock-error.ts';
import type { Logger } from '../contracts/logger.ts';
import type { CallLog } from '../wire/status-event.ts';
import type { BackendDiagnosis, WorkerChange } from '../contracts/backend.ts';
import type { JobCounts } from './job-machine.ts';

export interface JobEventMap {
  /** The first calls were handed to the backend. */
  'job:start': { readonly jobId: string; readonly name: string };
  /** Counts changed; at most a few times a second. */
  'job:progress': JobCounts;
  /** Every call is settled. */
  'job:finish': JobCounts;
  /** Something a waiting user should know, e.g. that no worker can start. */
  'job:diagnosis': BackendDiagnosis;
  'call:start': { readonly callId: number; readonly attempt: number; readonly workerId: string };
  'call:finish:success': { readonly callId: number; readonly attempts: number };
  'call:finish:error': { readonly callId: number; readonly attempts: number; readonly error: CallError };
  /** An attempt failed and another one follows after `delayMs`. */
  'call:retry': { readonly callId: number; readonly delayMs: number; readonly kind: string; readonly message: string };
  /** Output of a call, while it runs. */
  'call:log': CallLog;
  'worker:change': WorkerChange;
}

export type JobEventName = keyof JobEventMap;
export type JobListener<Name extends JobEventName> = (event: JobEventMap[Name]) => void;

/** A typed emitter whose listeners cannot break the engine: what they throw is logged. */
export class JobEmitter {
  readonly #listeners = new Map<JobEventName, Set<(event: never) => void>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Whether anyone listens: events nobody wants need not be made. */
  has(name: JobEventName): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  /** Adds a listener; the returned function removes it. */
  on<Name extends JobEventName>(name: Name, listener: JobListener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<Name extends JobEventName>(name: Name, event: JobEventMap[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as JobListener<Name>)(event);
      } catch (error) {
        this.#logger.error('A listener of a job event threw.', { event: name, error });
      }
    }
  }
}
