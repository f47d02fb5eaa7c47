/** A job that this client has submitted to, or waits for: what it knows of it. */
import {
  CallRangeSet,
  formatJobId,
  type CallRange,
  type CallsLostEvent,
  type JobRef,
  type LossReason,
  type StatusEvent,
} from '@splitrock/core/plugin';
import { AttemptSets } from '../leases/attempt-sets.ts';
import type { AttemptCalls, CancelTarget } from '../leases/lease-events.ts';
import { hashSecret, newSecret } from '../protocol/access-token.ts';
import type { JobState } from '../protocol/client-messages.ts';
import type { LogEntry } from '../protocol/job-log.ts';
import { toAttempt } from '../protocol/wire-schemas.ts';

const UNHEARD: LossReason = {
  kind: 'worker-lost',
  message: 'the master was replaced or could not be reached for long; how the call ended was not heard of',
};
const REMOVED: LossReason = {
  kind: 'worker-lost',
  message: 'the job was removed from where the master keeps it, by a clean',
};

export class OwnJob {
  readonly ref: JobRef;
  readonly id: string;
  /** Of the workers that this client starts for the job. */
  readonly secret = newSecret();
  /** Entries written to the job's log. */
  entries: number;
  /** Whether the log tells of the secret. */
  #isIntroduced = false;
  /** Calls whose end this client has not heard of. */
  readonly #open = new AttemptSets();
  ended = false;
  /** Whether what others submitted is to be taken over. */
  isAdopting = false;
  /** Whether what is left of it is being removed. */
  isFinishing = false;
  #turn: Promise<void> = Promise.resolve();
  /** Settled once nothing of it is left on the master, after its end. */
  #over: { readonly promise: Promise<void>; resolve(): void } | undefined;

  /** @param entries - How many were written before, by an earlier life of the job. */
  constructor(ref: JobRef, entries: number) {
    this.ref = ref;
    this.id = formatJobId(ref);
    this.entries = entries;
  }

  get openRanges(): readonly CallRange[] {
    const all = new CallRangeSet();
    for (const { calls } of this.#open.list) all.add(calls);
    return all.ranges;
  }

  /** One after the other. */
  inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  get openCalls(): number {
    return this.#open.size;
  }

  /** Resolves once what was kept of the job is removed, if it was ended; a submission before that would be removed too. */
  get whenOver(): Promise<void> {
    return this.#over?.promise ?? Promise.resolve();
  }

  /** Completes an entry: the first one, and the first after an end, tells who its workers are. */
  entry(rest: Omit<LogEntry, 'workerTokenHash'>): LogEntry {
    if (this.#isIntroduced) return rest;
    this.#isIntroduced = true;
    return { ...rest, workerTokenHash: hashSecret(this.secret) };
  }

  submit(calls: AttemptCalls): void {
    this.ended = false;
    this.#open.add(calls);
  }

  /** What was not accepted after all. */
  withdraw(calls: AttemptCalls): void {
    this.#open.remove(calls);
  }

  cancel(target: CancelTarget): void {
    for (const calls of this.#open.matching(target)) this.#open.remove(calls);
  }

  end(): void {
    this.ended = true;
    if (this.#over !== undefined) return;
    let resolve: () => void = () => {};
    const promise = new Promise<void>((settle) => (resolve = settle));
    this.#over = { promise, resolve };
  }

  over(): void {
    this.#over?.resolve();
    this.#over = undefined;
  }

  heard(events: readonly StatusEvent[]): void {
    for (const { type, attempt, callId } of events) {
      if (type === 'finished') this.#open.remove({ attempt, calls: { from: callId, to: callId + 1 } });
    }
  }

  /** What of these was open; it no longer is. */
  lost(calls: AttemptCalls, reason: LossReason): readonly CallsLostEvent[] {
    const ranges = this.#open.remove(calls);
    return ranges.length === 0 ? [] : [{ job: this.ref, attempt: calls.attempt, calls: ranges, reason }];
  }

  /** Takes over what others submitted. */
  adopt(state: JobState): void {
    for (const calls of state.open) this.#open.add(toAttempt(calls));
  }

  /** Compares with what a master knows that was not heard of meanwhile: what the listener must hear. */
  reconcile(state: JobState | undefined): readonly CallsLostEvent[] {
    const events: CallsLostEvent[] = [];
    for (const [attempt, from, to, reason] of state?.lost ?? []) {
      events.push(...this.lost(toAttempt([attempt, from, to]), reason));
    }
    for (const done of state?.done ?? []) events.push(...this.lost(toAttempt(done), UNHEARD));
    const known = new AttemptSets();
    for (const open of state?.open ?? []) known.add(toAttempt(open));
    for (const mine of this.#open.list) {
      for (const calls of known.missing(mine)) events.push(...this.lost({ attempt: mine.attempt, calls }, REMOVED));
    }
    return events;
  }
}
