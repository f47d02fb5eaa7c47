/**
 * Which worker of a job has which calls: the decisions of the master.
 *
 * A pure state machine over {@link LeaseEvent}s. Calls wait, are held by a worker until it answers for them, and end: done,
 * lost or cancelled. A worker that is not heard of for {@link JobLeasesConfig.leaseMs} is taken for dead, and what it held
 * waits again; each death counts against the calls that ran there, and one that was there too often is lost. A call may be
 * held twice, by a worker that was taken for dead and by another; the first answer counts.
 */
import type { LossReason } from '@splitrock/core/plugin';
import { AttemptSets } from './attempt-sets.ts';
import type {
  AttemptCalls,
  CancelTarget,
  LeaseEvent,
  LeaseInstruction,
  LeaseProgress,
  LostCalls,
  Submission,
  WorkerAnswer,
} from './lease-events.ts';
import { LeaseWorker } from './lease-worker.ts';
import { PendingCalls, rangeSize, type PendingPiece } from './pending-calls.ts';

export interface JobLeasesConfig {
  /** How long a worker may be silent, in milliseconds. */
  readonly leaseMs: number;
  /** Deaths of workers after which a call that they held is lost. */
  readonly maxDeaths: number;
}

/** A call of which so many workers died runs beside no other such one: it must not take them with it. */
const SUSPECT_DEATHS = 2;
/**
 * Of calls up to this long a worker gets some in advance, so that it need not wait for the next one. A longer one, or one of
 * which nothing is known, would wait there behind another while a slot elsewhere is free.
 */
const AHEAD_MS = 1_000;
/** A worker whose connection broke makes a new one at once, if it lives. */
const RECONNECT_MS = 3_000;
/** How long a new master waits for the workers of the one before. */
const RETURN_MS = 5_000;

export class JobLeases {
  readonly #config: JobLeasesConfig;
  readonly #submissions: Submission[] = [];
  readonly #pending = new PendingCalls();
  readonly #workers = new Map<string, LeaseWorker>();
  /** Submitted and neither done, lost nor cancelled. */
  readonly #open = new AttemptSets();
  readonly #done = new AttemptSets();
  readonly #lost: LostCalls[] = [];
  readonly #deaths = new Map<string, number>();
  /** Workers that a new master expects back, and until when. */
  #expected: { readonly workers: Set<string>; readonly untilMs: number } | undefined;
  /** How long calls take, by and large; the latest weigh most. */
  #averageMs: number | undefined;
  #ended = false;
  #over = false;
  #instructions: LeaseInstruction[] = [];

  /** @param before - What an earlier master had written down. */
  constructor(config: JobLeasesConfig, nowMs: number, before?: LeaseProgress) {
    this.#config = config;
    if (before === undefined) return;
    for (const done of before.done) this.#done.add(done);
    this.#lost.push(...before.lost);
    for (const { attempt, callId, deaths } of before.deaths) this.#deaths.set(callKey(attempt, callId), deaths);
    if (before.workers.length > 0) {
      this.#expected = { workers: new Set(before.workers), untilMs: nowMs + RETURN_MS };
    }
  }

  /** When to send `tick` at the latest, or `undefined`. */
  get dueMs(): number | undefined {
    let dueMs = this.#expected?.untilMs;
    for (const { aliveUntilMs } of this.#workers.values()) dueMs = Math.min(dueMs ?? Infinity, aliveUntilMs);
    return dueMs;
  }

  get open(): readonly AttemptCalls[] {
    return this.#open.list;
  }

  get openCalls(): number {
    return this.#open.size;
  }

  /** Calls that workers hold, those included that nobody wants any more. */
  get heldCalls(): number {
    let held = 0;
    for (const worker of this.#workers.values()) held += worker.heldCalls;
    return held;
  }

  get progress(): LeaseProgress {
    const deaths = [...this.#deaths].map(([key, count]) => {
      const [attempt = 0, callId = 0] = key.split('/').map(Number);
      return { attempt, callId, deaths: count };
    });
    return { done: this.#done.list, lost: this.#lost, deaths, workers: [...this.#workers.keys()] };
  }

  has(worker: string): boolean {
    return this.#workers.has(worker);
  }

  handle(event: LeaseEvent, nowMs: number): readonly LeaseInstruction[] {
    this.#take(event, nowMs);
    if (this.#expected !== undefined && nowMs >= this.#expected.untilMs) this.#expected = undefined;
    if (this.#expected === undefined) this.#grant(nowMs);
    this.#endIfOver();
    const instructions = this.#instructions;
    this.#instructions = [];
    return instructions;
  }

  #take(event: LeaseEvent, nowMs: number): void {
    switch (event.type) {
      case 'submitted':
        return this.#submit(event.submission);
      case 'cancelled':
        return this.#cancel(event.target, event.graceMs);
      case 'ended':
        this.#ended = true;
        return;
      case 'joined':
        return this.#join(event, nowMs);
      case 'room':
        this.#workers.get(event.worker)?.renew(nowMs + this.#config.leaseMs, event.calls);
        return;
      case 'answered':
        return this.#answer(event.worker, event.answers, nowMs);
      case 'disconnected':
        this.#workers.get(event.worker)?.hurry(nowMs + Math.min(RECONNECT_MS, this.#config.leaseMs));
        return;
      case 'left':
        return this.#leave(event.worker);
      case 'died':
        return this.#die(event.worker, event.reason);
      case 'tick':
        return this.#expire(nowMs, event.stalledMs ?? 0);
    }
  }

  #submit(submission: Submission): void {
    // It may begin anew after its end: failed calls are run again.
    this.#ended = false;
    this.#over = false;
    this.#submissions.push(submission);
    const known = new AttemptSets();
    for (const range of this.#done.common(submission)) known.add({ attempt: submission.attempt, calls: range });
    for (const { attempt, calls } of this.#lost) known.add({ attempt, calls });
    for (const calls of known.missing(submission)) {
      this.#open.add({ attempt: submission.attempt, calls });
      for (const waiting of this.#unheld({ attempt: submission.attempt, calls })) {
        for (const piece of this.#apart({ submission, calls: waiting })) this.#pending.append(piece);
      }
    }
  }

  #unheld(of: AttemptCalls): AttemptCalls['calls'][] {
    const held = new AttemptSets();
    for (const worker of this.#workers.values()) {
      for (const calls of worker.held.common(of)) held.add({ attempt: of.attempt, calls });
    }
    return [...held.missing(of)];
  }

  #cancel(target: CancelTarget, graceMs: number): void {
    for (const calls of this.#open.matching(target)) this.#open.remove(calls);
    this.#pending.drop(target);
    for (const worker of this.#workers.values()) {
      if (worker.held.matching(target).length === 0) continue;
      this.#instructions.push({ type: 'cancel', worker: worker.id, target, graceMs });
    }
  }

  #join({ worker: id, slots, held }: Extract<LeaseEvent, { type: 'joined' }>, nowMs: number): void {
    // One that begins anew under the same name holds what it says, and nothing else.
    this.#leave(id);
    const worker = new LeaseWorker(id, slots, nowMs + this.#config.leaseMs);
    this.#workers.set(id, worker);
    for (const { started, ...calls } of held) {
      worker.hold(calls);
      if (started) worker.start(calls);
      this.#pending.remove(calls);
    }
    this.#expected?.workers.delete(id);
    if (this.#expected?.workers.size === 0) this.#expected = undefined;
    if (this.#over) this.#instructions.push({ type: 'dismiss', worker: id });
  }

  #answer(id: string, answers: readonly WorkerAnswer[], nowMs: number): void {
    const worker = this.#workers.get(id);
    worker?.renew(nowMs + this.#config.leaseMs);
    this.#noteDurations(worker, answers, nowMs);
    for (const answer of answers) {
      if (answer.type === 'started') {
        worker?.start(answer);
        continue;
      }
      worker?.answered(answer, (callId) => this.#isSuspect(answer.attempt, callId));
      if (answer.type === 'done') this.#finish(answer);
      else this.#back(answer);
    }
  }

  #noteDurations(worker: LeaseWorker | undefined, answers: readonly WorkerAnswer[], nowMs: number): void {
    let done = 0;
    for (const { type, calls } of answers) if (type === 'done') done += rangeSize(calls);
    if (worker === undefined || done === 0) return;
    const tookMs = worker.took(done, nowMs);
    this.#averageMs = this.#averageMs === undefined ? tookMs : this.#averageMs * 0.8 + tookMs * 0.2;
  }

  #finish(of: AttemptCalls): void {
    for (const calls of this.#open.remove(of)) {
      const ended = { attempt: of.attempt, calls };
      this.#done.add(ended);
      this.#pending.remove(ended);
      this.#forgetDeaths(ended);
    }
  }

  #back({ attempt, calls, reason }: WorkerAnswer): void {
    for (const open of this.#open.common({ attempt, calls })) {
      for (const range of this.#unheld({ attempt, calls: open })) {
        if (reason === undefined) this.#pendAgain({ attempt, calls: range });
        else this.#lose({ attempt, calls: range }, reason);
      }
    }
  }

  #pendAgain(of: AttemptCalls): void {
    // It may be waiting already, when it was taken from this worker before.
    this.#pending.remove(of);
    const pieces: PendingPiece[] = [];
    for (const submission of this.#submissions) {
      if (submission.attempt !== of.attempt) continue;
      const from = Math.max(of.calls.from, submission.calls.from);
      const to = Math.min(of.calls.to, submission.calls.to);
      if (from < to) pieces.push(...this.#apart({ submission, calls: { from, to } }));
    }
    this.#pending.prepend(pieces);
  }

  #lose(of: AttemptCalls, reason: LossReason): void {
    this.#pending.remove(of);
    for (const calls of this.#open.remove(of)) {
      const lost = { attempt: of.attempt, calls };
      this.#lost.push({ ...lost, reason });
      this.#forgetDeaths(lost);
      this.#instructions.push({ type: 'lost', lost, reason });
    }
  }

  /** Its calls wait again, and nobody is blamed. */
  #leave(id: string): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    this.#workers.delete(id);
    this.#instructions.push({ type: 'worker-gone', worker: id, reason: undefined });
    for (const { attempt, calls } of worker.held.list) this.#back({ type: 'back', attempt, calls });
  }

  #die(id: string, reason: LossReason): void {
    this.#expected?.workers.delete(id);
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    this.#workers.delete(id);
    this.#instructions.push({ type: 'worker-gone', worker: id, reason });
    // One of those that ran may have killed it. When none is known to have run, any of them may have.
    const suspects = worker.started.size > 0 ? worker.started : worker.held;
    for (const { attempt, calls } of worker.held.list) this.#back({ type: 'back', attempt, calls });
    for (const { attempt, calls } of suspects.list) {
      for (let callId = calls.from; callId < calls.to; callId += 1) this.#blame(attempt, callId, reason);
    }
  }

  #blame(attempt: number, callId: number, reason: LossReason): void {
    const one = { attempt, calls: { from: callId, to: callId + 1 } };
    if (this.#open.common(one).length === 0 || this.#unheld(one).length === 0) return;
    const deaths = (this.#deaths.get(callKey(attempt, callId)) ?? 0) + 1;
    this.#deaths.set(callKey(attempt, callId), deaths);
    if (deaths < this.#config.maxDeaths) {
      if (deaths === SUSPECT_DEATHS) this.#pendAgain(one);
      return;
    }
    const message = `${deaths} workers ended while they held it and it is not tried again; the last: ${reason.message}`;
    this.#lose(one, { ...reason, message });
  }

  #expire(nowMs: number, stalledMs: number): void {
    for (const worker of this.#workers.values()) {
      if (stalledMs > 0) worker.renew(worker.aliveUntilMs + stalledMs);
      if (nowMs < worker.aliveUntilMs) continue;
      const message = `worker pod ${worker.id} was not heard of for too long`;
      this.#die(worker.id, { kind: 'worker-lost', message, workerId: worker.id });
    }
  }

  /** Gives calls to workers that have room, those with the least first. */
  #grant(nowMs: number): void {
    if (this.#pending.size === 0) return;
    const isShort = this.#averageMs !== undefined && this.#averageMs <= AHEAD_MS;
    const roomOf = (worker: LeaseWorker): number => (isShort ? worker.room : worker.idleSlots);
    const ready = [...this.#workers.values()].filter((worker) => roomOf(worker) > 0);
    ready.sort((a, b) => a.heldCalls / a.slots - b.heldCalls / b.slots);
    let slots = 0;
    for (const worker of this.#workers.values()) slots += worker.slots;
    for (const worker of ready) {
      // What waits is shared by the slots there are; a worker that would take more asks again.
      let share = Math.ceil((this.#pending.size * worker.slots) / slots);
      while (share > 0 && roomOf(worker) > 0) {
        const piece = this.#pending.take(Math.min(share, roomOf(worker)), (each) => this.#acceptable(worker, each));
        if (piece === undefined) break;
        this.#lease(worker, piece, nowMs);
        share -= rangeSize(piece.calls);
      }
    }
  }

  #lease(worker: LeaseWorker, { submission, calls }: PendingPiece, nowMs: number): void {
    const leased = { attempt: submission.attempt, calls };
    worker.lease(leased, this.#isSuspect(leased.attempt, calls.from), nowMs);
    this.#instructions.push({ type: 'lease', worker: worker.id, submission: submission.id, leased });
  }

  /** How many calls from the beginning of a piece the worker may get now. */
  #acceptable(worker: LeaseWorker, { submission: { attempt, avoidWorkers }, calls }: PendingPiece): number {
    if (avoidWorkers.includes(worker.id)) {
      for (const other of this.#workers.keys()) if (!avoidWorkers.includes(other)) return 0;
    }
    return this.#isSuspect(attempt, calls.from) && worker.hasSuspect ? 0 : rangeSize(calls);
  }

  /** Suspects wait in pieces of their own, so that others need not wait behind them. */
  #apart(piece: PendingPiece): readonly PendingPiece[] {
    if (this.#deaths.size === 0) return [piece];
    const { submission, calls } = piece;
    const pieces: PendingPiece[] = [];
    let { from } = calls;
    for (let callId = from; callId < calls.to; callId += 1) {
      if (!this.#isSuspect(submission.attempt, callId)) continue;
      if (from < callId) pieces.push({ submission, calls: { from, to: callId } });
      pieces.push({ submission, calls: { from: callId, to: callId + 1 } });
      from = callId + 1;
    }
    return from < calls.to ? [...pieces, { submission, calls: { from, to: calls.to } }] : pieces;
  }

  #isSuspect(attempt: number, callId: number): boolean {
    return (this.#deaths.get(callKey(attempt, callId)) ?? 0) >= SUSPECT_DEATHS;
  }

  #forgetDeaths({ attempt, calls }: AttemptCalls): void {
    if (this.#deaths.size === 0) return;
    for (let callId = calls.from; callId < calls.to; callId += 1) this.#deaths.delete(callKey(attempt, callId));
  }

  #endIfOver(): void {
    if (!this.#ended || this.#over || this.#open.size > 0 || this.heldCalls > 0) return;
    this.#over = true;
    for (const worker of this.#workers.keys()) this.#instructions.push({ type: 'dismiss', worker });
    this.#instructions.push({ type: 'over' });
  }
}

const callKey = (attempt: number, callId: number): string => `${attempt}/${callId}`;
