/**
 * The life of a job's calls as a state machine: `(state, event) → instructions`, without I/O, promises or a clock.
 *
 * A call is *waiting* for its input, *ready*, *in flight* with a backend, in *backoff* before a retry, and at last
 * *settled*, once and for good. All policy is here: retries, losses, limits, backup copies, cancellation. The shell
 * (`job-run.ts`) feeds events and performs the instructions.
 */
import type { CallRange, LossReason } from '../contracts/calls.ts';
import { CallStates, PHASE } from './call-states.ts';
import { DueHeap, type DueCall } from './due-heap.ts';
import { backoffDelayMs, type AttemptFailure, type JobPolicy } from './job-policy.ts';
import { ReadyQueue } from './ready-queue.ts';
import { StragglerDetector } from './straggler-detector.ts';
import { TokenBucket } from './token-bucket.ts';

export type JobEvent =
  /** These calls' inputs are complete. */
  | { readonly type: 'inputs-ready'; readonly calls: CallRange }
  /** The number of calls is final. */
  | { readonly type: 'inputs-ended'; readonly total: number }
  /** A call will never have its input. */
  | { readonly type: 'input-failed'; readonly callId: number }
  | { readonly type: 'started'; readonly callId: number; readonly attempt: number }
  | {
      readonly type: 'finished';
      readonly callId: number;
      readonly attempt: number;
      readonly workerId: string;
      readonly durationMs: number;
      /** `undefined`: it has a value. */
      readonly failure: AttemptFailure | undefined;
    }
  /** The backend will tell nothing more of this attempt. */
  | {
      readonly type: 'lost';
      readonly calls: readonly CallRange[];
      readonly attempt: number;
      readonly reason: LossReason;
    }
  /** The backend did not accept a submission; it may later. */
  | { readonly type: 'submission-failed'; readonly calls: CallRange; readonly delayMs: number }
  | { readonly type: 'cancel'; readonly calls?: readonly CallRange[] }
  /** Settled calls without a value get a new life. */
  | { readonly type: 'retry-failed' }
  /** Attaching: nothing is submitted between these two. */
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'tick' };

/** How a call ended, as far as the machine is concerned. */
export type SettledBy =
  | { readonly by: 'value' }
  | { readonly by: 'failure'; readonly failure: AttemptFailure }
  | { readonly by: 'input-failed' }
  | { readonly by: 'cancel' };

export type JobInstruction =
  | {
      readonly type: 'submit';
      readonly calls: CallRange;
      readonly attempt: number;
      readonly avoidWorkers: readonly string[];
      readonly backup: boolean;
    }
  | { readonly type: 'settle'; readonly callId: number; readonly attempts: number; readonly settledBy: SettledBy }
  | { readonly type: 'retry'; readonly callId: number; readonly delayMs: number; readonly failure: AttemptFailure }
  | { readonly type: 'cancel-remote'; readonly calls?: readonly CallRange[]; readonly attempt?: number }
  /** Every call is settled and no more will come. */
  | { readonly type: 'ended' };

export interface JobCounts {
  /** Calls known so far; grows while a lazy input is read. */
  readonly known: number;
  /** The final number of calls, once it is known. */
  readonly total: number | undefined;
  readonly settled: number;
  /** Settled without a value. */
  readonly failed: number;
  readonly inFlight: number;
  /** In flight and seen to start. */
  readonly running: number;
  /** Attempts beyond the first that were decided so far. */
  readonly retries: number;
}

/** Losses before a call was seen to start that are put down to bad luck; beyond it the call itself is suspect. */
const MAX_VANISHED = 20;

interface BackoffCall extends DueCall {
  readonly avoidWorkers: readonly string[];
}

export class JobMachine {
  readonly #policy: JobPolicy;
  readonly #calls = new CallStates();
  readonly #ready = new ReadyQueue();
  readonly #backoff = new DueHeap<BackoffCall>();
  readonly #bucket: TokenBucket | undefined;
  readonly #detector: StragglerDetector | undefined;
  /** Attempts in flight of calls that have a backup copy. All others have just their latest. */
  readonly #copies = new Map<number, number[]>();
  /** Ids of settled calls that have no value. */
  readonly #failed = new Set<number>();
  #total: number | undefined;
  #settled = 0;
  #inFlight = 0;
  #started = 0;
  #retries = 0;
  #paused = false;
  #ended = false;
  #cancelled = false;
  #nextTokenMs: number | undefined;

  constructor(policy: JobPolicy) {
    this.#policy = policy;
    this.#bucket = policy.rateLimit ? new TokenBucket(policy.rateLimit) : undefined;
    this.#detector = policy.speculation ? new StragglerDetector(policy.speculation) : undefined;
  }

  get counts(): JobCounts {
    return {
      known: this.#calls.size,
      total: this.#total,
      settled: this.#settled,
      failed: this.#failed.size,
      inFlight: this.#inFlight,
      running: this.#started,
      retries: this.#retries,
    };
  }

  isSettled(callId: number): boolean {
    return callId < this.#calls.size && this.#calls.phase(callId) === PHASE.settled;
  }

  /** The latest attempt of a call; 0 before the first. */
  attemptOf(callId: number): number {
    return this.#calls.attempt(callId);
  }

  /** When the machine wants a `tick`, by its caller's clock; `undefined` for never. */
  nextTickMs(): number | undefined {
    const straggler = this.#detector?.nextMs(this.#settled, this.#total ?? Infinity);
    const times = [this.#backoff.nextMs, this.#nextTokenMs, straggler].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  handle(event: JobEvent, nowMs: number): JobInstruction[] {
    const out: JobInstruction[] = [];
    this.#apply(event, nowMs, out);
    this.#submitReady(nowMs, out);
    if (this.#settled === this.#total && !this.#ended) {
      this.#ended = true;
      out.push({ type: 'ended' });
    }
    return out;
  }

  /** Ranges of calls that are in flight: what an attaching client asks its backend about. */
  inFlightCalls(): CallRange[] {
    const ranges: { from: number; to: number }[] = [];
    for (let callId = 0; callId < this.#calls.size; callId += 1) {
      if (this.#calls.phase(callId) !== PHASE.inFlight) continue;
      const last = ranges.at(-1);
      if (last?.to === callId) last.to += 1;
      else ranges.push({ from: callId, to: callId + 1 });
    }
    return ranges;
  }

  #apply(event: JobEvent, nowMs: number, out: JobInstruction[]): void {
    switch (event.type) {
      case 'inputs-ready':
        return this.#inputsReady(event.calls, out);
      case 'inputs-ended':
        this.#total = event.total;
        return this.#calls.ensure(event.total);
      case 'input-failed':
        this.#calls.ensure(event.callId + 1);
        return this.#settle(event.callId, { by: 'input-failed' }, out);
      case 'started':
        return this.#onStarted(event.callId, event.attempt, nowMs);
      case 'finished':
        return this.#onFinished(event, nowMs, out);
      case 'lost':
        return this.#onLost(event, nowMs, out);
      case 'submission-failed':
        return this.#onSubmissionFailed(event, nowMs);
      case 'cancel':
        return this.#onCancel(event.calls, out);
      case 'retry-failed':
        return this.#onRetryFailed();
      case 'pause':
        this.#paused = true;
        return;
      case 'resume':
        this.#paused = false;
        return;
      case 'tick':
        return this.#onTick(nowMs, out);
    }
  }

  #inputsReady(calls: CallRange, out: JobInstruction[]): void {
    this.#calls.ensure(calls.to);
    for (let callId = calls.from; callId < calls.to; callId += 1) {
      if (this.#calls.phase(callId) !== PHASE.waiting) continue;
      if (this.#cancelled) this.#settle(callId, { by: 'cancel' }, out);
      else this.#calls.setPhase(callId, PHASE.ready);
    }
    if (!this.#cancelled) this.#ready.push({ ...calls, avoidWorkers: [] });
  }

  #onStarted(callId: number, attempt: number, nowMs: number): void {
    if (!this.#adopt(callId, attempt) || this.#calls.hasStarted(callId)) return;
    this.#calls.markStarted(callId);
    this.#started += 1;
    this.#detector?.started(callId, nowMs);
  }

  #onFinished(event: Extract<JobEvent, { type: 'finished' }>, nowMs: number, out: JobInstruction[]): void {
    const { callId, attempt, failure } = event;
    if (failure === undefined) {
      // A value counts whichever attempt brought it: one that was believed lost has run all the same.
      this.#calls.ensure(callId + 1);
      if (this.isSettled(callId)) return;
      this.#detector?.ended(event.durationMs);
      this.#cancelOthers(callId, attempt, out);
      return this.#settle(callId, { by: 'value' }, out);
    }
    if (!this.#adopt(callId, attempt) || this.#dropCopy(callId, attempt)) return;
    this.#decide(callId, failure, event.workerId, nowMs, out);
  }

  #onLost(event: Extract<JobEvent, { type: 'lost' }>, nowMs: number, out: JobInstruction[]): void {
    const { attempt, reason } = event;
    for (const range of event.calls) {
      for (let callId = range.from; callId < range.to; callId += 1) {
        if (!this.#isActive(callId, attempt) || this.#dropCopy(callId, attempt)) continue;
        const suspect = this.#calls.hasStarted(callId) || reason.kind === 'start-failed';
        if (suspect || this.#calls.addVanished(callId) > MAX_VANISHED) {
          this.#decide(callId, { kind: 'lost', reason }, reason.workerId, nowMs, out);
        } else {
          this.#leaveFlight(callId);
          this.#calls.setPhase(callId, PHASE.ready);
          this.#ready.push({ from: callId, to: callId + 1, avoidWorkers: [] });
        }
      }
    }
  }

  #onSubmissionFailed(event: Extract<JobEvent, { type: 'submission-failed' }>, nowMs: number): void {
    for (let callId = event.calls.from; callId < event.calls.to; callId += 1) {
      if (this.#calls.phase(callId) !== PHASE.inFlight) continue;
      this.#leaveFlight(callId);
      this.#calls.setPhase(callId, PHASE.backoff);
      this.#backoff.push({ dueMs: nowMs + event.delayMs, callId, avoidWorkers: [] });
    }
  }

  #onCancel(calls: readonly CallRange[] | undefined, out: JobInstruction[]): void {
    if (calls === undefined) this.#cancelled = true;
    let remote = false;
    for (const range of calls ?? [{ from: 0, to: this.#calls.size }]) {
      this.#calls.ensure(range.to);
      for (let callId = range.from; callId < range.to; callId += 1) {
        if (this.#calls.phase(callId) === PHASE.settled) continue;
        remote ||= this.#calls.phase(callId) === PHASE.inFlight;
        this.#settle(callId, { by: 'cancel' }, out);
      }
    }
    if (remote) out.push(calls === undefined ? { type: 'cancel-remote' } : { type: 'cancel-remote', calls });
  }

  #onRetryFailed(): void {
    const failed = [...this.#failed].toSorted((a, b) => a - b);
    this.#failed.clear();
    this.#settled -= failed.length;
    this.#ended = false;
    this.#cancelled = false;
    for (const callId of failed) {
      this.#calls.reopen(callId);
      this.#ready.push({ from: callId, to: callId + 1, avoidWorkers: [] });
    }
  }

  #onTick(nowMs: number, out: JobInstruction[]): void {
    for (let due = this.#backoff.popDue(nowMs); due !== undefined; due = this.#backoff.popDue(nowMs)) {
      if (this.#calls.phase(due.callId) !== PHASE.backoff) continue;
      this.#calls.setPhase(due.callId, PHASE.ready);
      this.#ready.push({ from: due.callId, to: due.callId + 1, avoidWorkers: due.avoidWorkers });
    }
    for (const callId of this.#detector?.stragglers(nowMs, this.#settled, this.#total ?? Infinity) ?? []) {
      this.#detector?.forget(callId);
      this.#submitBackup(callId, out);
    }
  }

  #submitBackup(callId: number, out: JobInstruction[]): void {
    if (this.#calls.phase(callId) !== PHASE.inFlight) return;
    const first = this.#calls.attempt(callId);
    this.#copies.set(callId, [first, first + 1]);
    const started = this.#calls.hasStarted(callId);
    this.#calls.beginAttempt(callId, first + 1);
    if (started) this.#calls.markStarted(callId);
    out.push({
      type: 'submit',
      calls: { from: callId, to: callId + 1 },
      attempt: first + 1,
      avoidWorkers: [],
      backup: true,
    });
  }

  /** What becomes of a call whose only attempt in flight failed. */
  #decide(
    callId: number,
    failure: AttemptFailure,
    workerId: string | undefined,
    nowMs: number,
    out: JobInstruction[],
  ): void {
    this.#leaveFlight(callId);
    const delayMs = this.#retryDelayMs(callId, failure);
    if (delayMs === undefined) return this.#settle(callId, { by: 'failure', failure }, out);
    out.push({ type: 'retry', callId, delayMs, failure });
    const avoidWorkers = workerId === undefined ? [] : [workerId];
    if (delayMs > 0) {
      this.#calls.setPhase(callId, PHASE.backoff);
      this.#backoff.push({ dueMs: nowMs + delayMs, callId, avoidWorkers });
    } else {
      this.#calls.setPhase(callId, PHASE.ready);
      this.#ready.push({ from: callId, to: callId + 1, avoidWorkers });
    }
    this.#retries += 1;
  }

  /** How long to wait before another attempt, or `undefined` for none. */
  #retryDelayMs(callId: number, failure: AttemptFailure): number | undefined {
    const policy = this.#policy;
    const isLoss = failure.kind === 'lost' || (failure.kind === 'failed' && failure.error.retryable);
    if (isLoss) {
      if (failure.kind === 'lost' && failure.reason.kind === 'start-failed') return undefined;
      const losses = this.#calls.addLoss(callId);
      if (losses >= policy.lostAttempts) return undefined;
      // A dead worker's calls run elsewhere at once; a store that is away needs a moment.
      return failure.kind === 'lost' ? 0 : backoffDelayMs(policy, losses);
    }
    if (failure.kind === 'failed' || failure.kind === 'cancelled' || !policy.retryable(failure)) return undefined;
    const failures = this.#calls.addFailure(callId);
    return failures < policy.attempts ? backoffDelayMs(policy, failures) : undefined;
  }

  #settle(callId: number, settledBy: SettledBy, out: JobInstruction[]): void {
    if (this.#calls.phase(callId) === PHASE.settled) return;
    if (this.#calls.phase(callId) === PHASE.inFlight) this.#leaveFlight(callId);
    this.#calls.setPhase(callId, PHASE.settled);
    this.#copies.delete(callId);
    this.#settled += 1;
    if (settledBy.by !== 'value') this.#failed.add(callId);
    out.push({ type: 'settle', callId, attempts: this.#calls.attempt(callId), settledBy });
    if (this.#policy.failFast && settledBy.by !== 'value' && !this.#cancelled) this.#onCancel(undefined, out);
  }

  #leaveFlight(callId: number): void {
    this.#inFlight -= 1;
    if (this.#calls.hasStarted(callId)) this.#started -= 1;
    this.#detector?.forget(callId);
    this.#calls.setPhase(callId, PHASE.ready);
  }

  /**
   * Whether an attempt is in flight. While attaching, status of attempts that another client submitted arrives: such a
   * call is taken over as in flight.
   */
  #adopt(callId: number, attempt: number): boolean {
    this.#calls.ensure(callId + 1);
    if (this.#isActive(callId, attempt)) return true;
    const takenOver =
      this.#paused && this.#calls.phase(callId) !== PHASE.settled && attempt > this.#calls.attempt(callId);
    if (takenOver) {
      if (this.#calls.phase(callId) === PHASE.inFlight) this.#leaveFlight(callId);
      this.#enterFlight(callId, attempt);
    }
    return takenOver;
  }

  #isActive(callId: number, attempt: number): boolean {
    if (callId >= this.#calls.size || this.#calls.phase(callId) !== PHASE.inFlight) return false;
    return this.#copies.get(callId)?.includes(attempt) ?? this.#calls.attempt(callId) === attempt;
  }

  /** Forgets one of several copies in flight; false when it was the only attempt. */
  #dropCopy(callId: number, attempt: number): boolean {
    const copies = this.#copies.get(callId)?.filter((copy) => copy !== attempt);
    if (copies === undefined || copies.length === 0) {
      this.#copies.delete(callId);
      return false;
    }
    this.#copies.set(callId, copies);
    return true;
  }

  #cancelOthers(callId: number, winner: number, out: JobInstruction[]): void {
    for (const attempt of this.#copies.get(callId) ?? []) {
      if (attempt !== winner) out.push({ type: 'cancel-remote', calls: [{ from: callId, to: callId + 1 }], attempt });
    }
  }

  #enterFlight(callId: number, attempt: number): void {
    this.#calls.beginAttempt(callId, attempt);
    this.#inFlight += 1;
  }

  #submitReady(nowMs: number, out: JobInstruction[]): void {
    this.#nextTokenMs = undefined;
    while (!this.#paused && !this.#ready.isEmpty) {
      const room = this.#room(nowMs);
      if (room <= 0) return;
      const next = this.#ready.take(room, (callId) => this.#calls.phase(callId) === PHASE.ready);
      if (next === undefined) return;
      this.#bucket?.take(next.to - next.from);
      this.#submit(next, next.avoidWorkers, out);
    }
  }

  /** How many calls the limits let go now. */
  #room(nowMs: number): number {
    const room = this.#policy.concurrency - this.#inFlight;
    if (this.#bucket === undefined || room <= 0) return room;
    const tokens = this.#bucket.available(nowMs);
    if (tokens <= 0) this.#nextTokenMs = nowMs + this.#bucket.nextTokenInMs();
    return Math.min(room, tokens);
  }

  /** Submits a range, split where the attempt number changes. */
  #submit(calls: CallRange, avoidWorkers: readonly string[], out: JobInstruction[]): void {
    let from = calls.from;
    while (from < calls.to) {
      const attempt = this.#calls.attempt(from) + 1;
      let to = from;
      while (to < calls.to && this.#calls.attempt(to) + 1 === attempt) {
        this.#enterFlight(to, attempt);
        to += 1;
      }
      out.push({ type: 'submit', calls: { from, to }, attempt, avoidWorkers, backup: false });
      from = to;
    }
  }
}
