/** One call while it runs in a slot: its context, its abort signal, its share of the log. */
import {
  CallTimeoutError,
  CancelledError,
  type CallContext,
  type CallCoordinates,
  type UserStorage,
} from '@splitrock/core/plugin';
import type { SlotCall, SlotJobDescriptor, StopCause } from '../protocol/slot-messages.ts';
import type { CallLogWriter } from './call-log-writer.ts';

export interface JobFacts {
  readonly jobId: string;
  readonly descriptor: SlotJobDescriptor;
  /** Opens nothing until it is used. */
  readonly userStorage: () => UserStorage;
}

export class RunningCall {
  readonly sequence: number;
  readonly callId: number;
  readonly attempt: number;
  readonly log: CallLogWriter;
  #controller: AbortController | undefined;
  #stopped: { readonly reason: Error } | undefined;

  constructor(sequence: number, call: SlotCall, log: CallLogWriter) {
    this.sequence = sequence;
    this.callId = call.callId;
    this.attempt = call.attempt;
    this.log = log;
  }

  /** Aborts the call's signal; the first cause counts. */
  abort(cause: StopCause, facts: JobFacts): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason: abortReason(cause, this, facts) };
    this.#controller?.abort(this.#stopped.reason);
  }

  /** Why the call must not go on, once it was stopped. */
  get stopReason(): Error | undefined {
    return this.#stopped?.reason;
  }

  /** What the function gets after its item. Signal and storage are made when asked for: most calls never do. */
  context(facts: JobFacts): CallContext {
    const signal = (): AbortSignal => this.signal;
    const { descriptor, jobId } = facts;
    return {
      executorId: descriptor.executorId,
      jobId,
      jobName: descriptor.name,
      callId: this.callId,
      attempt: this.attempt,
      get signal() {
        return signal();
      },
      get storage() {
        return facts.userStorage();
      },
      log: this.log,
    };
  }

  /** Aborts when the call must stop. Made when asked for: most calls never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#stopped !== undefined) this.#controller.abort(this.#stopped.reason);
    }
    return this.#controller.signal;
  }
}

function abortReason(cause: StopCause, call: RunningCall, { jobId, descriptor }: JobFacts): Error {
  const coordinates: CallCoordinates = { jobId, jobName: descriptor.name, callId: call.callId, attempts: call.attempt };
  const facts = `[jobId=${jobId}, callId=${call.callId}, attempt=${call.attempt}]`;
  if (cause === 'timeout') {
    const message = `The call ran longer than its timeout of ${descriptor.run.timeoutMs} ms ${facts}; finish within it or raise it.`;
    return new CallTimeoutError('CALL_TIMEOUT', message, coordinates, { retryable: true });
  }
  const message =
    cause === 'cancel'
      ? `The call was cancelled ${facts}.`
      : `The worker that runs the call is stopping ${facts}; it will run elsewhere.`;
  return new CancelledError('CALL_CANCELLED', message, coordinates);
}
