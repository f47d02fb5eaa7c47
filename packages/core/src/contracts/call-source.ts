/**
 * The `CallSource` contract, a backend's worker half: where a worker gets its calls from.
 *
 * Delivery is by credit: the worker says how many calls it will hold, the source delivers leases up to that, and every
 * call of a lease is answered once: {@link CallLease.done} after its status is out, or {@link CallLease.giveBack}.
 * A source that loses its peer redelivers nothing by itself; the peer sees unanswered calls and gives them elsewhere.
 */
import type { CallRange, JobRef, LossReason } from './calls.ts';
import type { InputPart } from '../wire/input-part.ts';
import type { StatusEvent } from '../wire/status-event.ts';

/** Calls that this worker holds until it answers for each of them. */
export interface CallLease {
  readonly job: JobRef;
  readonly calls: CallRange;
  readonly attempt: number;
  /** The job descriptor's bytes where the source has them; else the worker reads them from storage. */
  readonly descriptor?: Uint8Array;
  readonly part?: InputPart;
  /** An encoded input part of exactly {@link calls}; preferred over {@link part}. */
  readonly inlineInputs?: Uint8Array;

  /**
   * The call is about to be handed to a slot; said before that. A source whose peer must tell, after this worker
   * vanished, the calls that ran from those that only waited has it; the worker calls it where it is there.
   */
  started?(callId: number): void;
  /** The call's terminal status is durable: the source may forget it. Coalescing is the source's business. */
  done(callId: number): void;
  /** The call was not finished here. `reason` absent: it never ran (drain); else it was lost while running. */
  giveBack(callId: number, reason?: LossReason): void;
}

/** What a source calls on its worker. Methods return at once and never throw. */
export interface CallReceiver {
  deliver(lease: CallLease): void;
  /** Stop these calls, running or waiting, of every attempt unless one is named. They are still answered by `done`. */
  cancel(target: { readonly job: JobRef; readonly calls?: readonly CallRange[]; readonly attempt?: number }): void;
  /** No more calls of this job will come; caches may go. */
  endJob(job: JobRef): void;
  /** The peer is gone for good or wants the worker to leave: drain within `graceMs`, then exit. */
  shutdown(options: { readonly graceMs: number; readonly reason: string }): void;
}

/** Worker half of a backend plugin; made by {@link BackendPlugin.createCallSource}. */
export interface CallSource {
  /** Connects and begins to deliver to `receiver`, within the capacity. */
  start(receiver: CallReceiver): Promise<void>;
  /**
   * How many calls the worker is willing to hold unanswered. Rising capacity brings deliveries; a lower one takes
   * nothing back. 0 means: deliver nothing more (drain). Starts at 0.
   */
  setCapacity(calls: number): void;
  /**
   * These events of a job are durable in monitoring; said in order, and before {@link CallLease.done} of the calls that
   * they end. A source with a way of its own to the client brings them there, which saves the client a look.
   */
  published?(job: JobRef, events: readonly StatusEvent[]): void;
  /** Resolves once every answer given so far has reached the peer. */
  flush(): Promise<void>;
  /** Disconnects; unanswered calls are the peer's again. Idempotent. */
  stop(): Promise<void>;
}
