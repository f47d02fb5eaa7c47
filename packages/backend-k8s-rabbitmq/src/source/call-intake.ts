/**
 * What a worker holds: takes messages apart into leases, gathers the answers, and says when a message can be acknowledged.
 *
 * A message is acknowledged when every one of its calls is answered: its status is durable, or the call is elsewhere (back
 * in the queue, or in the log as lost) and the broker has confirmed that. Until then the broker redelivers it when this
 * worker dies.
 */
import { randomUUID } from 'node:crypto';
import {
  type CallLease,
  type CallRange,
  type CallReceiver,
  type Clock,
  type JobRef,
  type Logger,
  type LossReason,
} from '@splitrock/core/plugin';
import { cutRanges, mergeRanges } from '../protocol/call-ranges.ts';
import { decodeCallMessage, narrowMessage, type CallMessage } from '../protocol/call-message.ts';
import type { Cancellations } from '../protocol/cancellations.ts';
import type { LostEntry } from '../protocol/log-entry.ts';
import { BoundedSet } from './bounded-set.ts';
import type { CallPace } from './call-pace.ts';
import { cameBack } from './death-record.ts';
import { HeldMessage } from './held-message.ts';
import type { Delivery } from './job-consumers.ts';

/** A message of which so many deaths are known runs here beside no other such one: it must not take them with it. */
const SUSPECT_DEATHS = 2;

/** So long it waits here for its turn; then another worker may have it. */
const MAX_SUSPECT_WAIT_MS = 1_000;

/** Acknowledged messages that are known when they come once more. */
const REMEMBERED_MESSAGES = 20_000;

/** What intake must know of a job. */
export interface IntakeJob {
  readonly descriptor: Uint8Array | undefined;
  readonly cancellations: Cancellations;
}

/** A message for a job's queue, with the id by which it is known. */
export interface PutBack {
  readonly id: string;
  readonly message: CallMessage;
}

export interface CallIntakeDeps {
  readonly workerId: string;
  /** Deaths of workers after which a message is given up. */
  readonly maxDeaths: number;
  readonly pace: CallPace;
  readonly clock: Clock;
  readonly logger: Logger;
  job(ref: JobRef): IntakeJob | undefined;
  /** Whether another worker is there. */
  hasPeers(): boolean;
  /** Puts messages into their job's queue; resolves once the broker has them, or once it is known that the queue is gone. */
  putBack(job: JobRef, messages: readonly PutBack[]): Promise<void>;
  reportLost(entry: LostEntry): Promise<void>;
  /** Puts on record that this worker holds a message, and tells how many others died holding it (see `death-record.ts`). */
  enter(job: JobRef, message: string): Promise<number>;
}

export interface CallIntakeEvents {
  onTaken(delivery: Delivery): void;
  /** The message can be acknowledged. */
  onReleased(delivery: Delivery): void;
  /** Nothing is held any more; of what was held last, perhaps no delivery was left to release. */
  onEmpty(): void;
}

interface Answers {
  readonly returned: CallRange[];
  readonly lost: { readonly calls: CallRange; readonly reason: LossReason }[];
}

export class CallIntake {
  readonly #deps: CallIntakeDeps;
  readonly #events: CallIntakeEvents;
  readonly #held = new Map<string, HeldMessage>();
  readonly #completed = new BoundedSet<string>(REMEMBERED_MESSAGES);
  /** What the worker gave back and what has not left yet. */
  #answers = new Map<HeldMessage, Answers>();
  #pumping = false;
  readonly #leaving = new Set<Promise<void>>();
  readonly #entering = new Set<Promise<void>>();
  #receiver: CallReceiver | undefined;
  #capacity = 0;
  #running = 0;

  constructor(deps: CallIntakeDeps, events: CallIntakeEvents) {
    this.#deps = deps;
    this.#events = events;
  }

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  /** Messages that take room and that no grant counts. */
  get uncountedMessages(): number {
    let messages = 0;
    for (const held of this.#held.values()) if (held.isUncounted) messages += 1;
    return messages;
  }

  held(): Iterable<HeldMessage> {
    return this.#held.values();
  }

  start(receiver: CallReceiver): void {
    this.#receiver = receiver;
  }

  /** No room at all means that the worker leaves: what waits here goes back. */
  setCapacity(calls: number): void {
    this.#capacity = calls;
    if (calls > 0) this.#pump();
    else for (const held of this.#held.values()) this.#putBack(held, held.leave(0));
  }

  take(delivery: Delivery): void {
    const { raw } = delivery;
    const id = String(raw.properties.messageId);
    const known = this.#held.get(id);
    if (known !== undefined) {
      this.#takeAgain(known, delivery);
      return;
    }
    const message = this.#completed.has(id) ? undefined : this.#decode(delivery);
    if (message === undefined) {
      this.#events.onTaken(delivery);
      this.#events.onReleased(delivery);
      if (this.isEmpty) this.#events.onEmpty();
      return;
    }
    const held = new HeldMessage(id, message, this.#deps.clock.now());
    held.deliveries = [delivery];
    const cancellations = this.#deps.job(message.job)?.cancellations;
    if (cancellations !== undefined) held.keep((ranges) => cancellations.wanted(ranges, message));
    this.#held.set(id, held);
    this.#events.onTaken(delivery);
    if (message.deaths > 0 || cameBack(raw)) this.#enter(held);
    else this.#route(held);
    this.#releaseIfOver(held);
    this.#pump();
  }

  /** Nothing of it begins before the log tells who holds it: if this worker dies, others know with what. */
  #enter(held: HeldMessage): void {
    held.waitForRecord();
    const entering = this.#deps.enter(held.message.job, held.id).then(
      (deaths) => {
        this.#entering.delete(entering);
        held.recorded(deaths);
        // Cancelled meanwhile, it is not held any more.
        if (this.#held.get(held.id) !== held) return;
        this.#route(held);
        this.#releaseIfOver(held);
        this.#pump();
      },
      // Only a stopped source gets here: the broker still has the message.
      () => void this.#entering.delete(entering),
    );
    this.#entering.add(entering);
  }

  /** Drops what waits here of calls that were cancelled, as {@link IntakeJob.cancellations} say now. */
  cancelled(job: JobRef, cancellations: Cancellations): void {
    for (const held of this.#held.values()) {
      const { message } = held;
      if (message.job.executorId !== job.executorId || message.job.jobNumber !== job.jobNumber) continue;
      held.keep((ranges) => cancellations.wanted(ranges, message));
      this.#releaseIfOver(held);
    }
  }

  /** These deliveries are the broker's again; the calls run on and are matched when they come once more. */
  void(lost: (delivery: Delivery) => boolean): void {
    for (const held of this.#held.values()) {
      held.deliveries = held.deliveries.filter((delivery) => !lost(delivery));
    }
  }

  /** Puts back what would wait here for long. */
  shed(): void {
    const { clock, pace } = this.#deps;
    for (const held of this.#held.values()) {
      const waiting = held.backlogCalls;
      if (waiting === 0) continue;
      const waitedMs = clock.now() - held.takenAtMs;
      const stay =
        held.deaths < SUSPECT_DEATHS ? pace.stay(waiting, waitedMs) : waitedMs > MAX_SUSPECT_WAIT_MS ? 0 : waiting;
      if (stay < waiting) this.#putBack(held, held.leave(stay));
    }
  }

  /** Puts back all that waits here of a job. */
  shedJob(job: string): void {
    for (const held of this.#held.values()) if (jobKey(held) === job) this.#putBack(held, held.leave(0));
  }

  /** Whether {@link shed} has something to look at. */
  get hasBacklog(): boolean {
    for (const held of this.#held.values()) if (held.backlogCalls > 0) return true;
    return false;
  }

  /** Resolves once everything that was given back until now is where it belongs. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#entering);
    this.#sendAnswers();
    await Promise.allSettled(this.#leaving);
  }

  /** The newest delivery counts; older ones of this connection are copies. */
  #takeAgain(held: HeldMessage, delivery: Delivery): void {
    const older = held.deliveries;
    held.deliveries = [delivery];
    held.deliveredAtMs = this.#deps.clock.now();
    this.#events.onTaken(delivery);
    for (const copy of older) this.#events.onReleased(copy);
  }

  #decode({ raw }: Delivery): CallMessage | undefined {
    try {
      return decodeCallMessage(raw.content);
    } catch (error) {
      this.#deps.logger.error('A call message cannot be read; its calls are lost', { error });
      return undefined;
    }
  }

  /** Not every message is run here, or as it is. */
  #route(held: HeldMessage): void {
    const { message, deaths } = held;
    const { maxDeaths, workerId } = this.#deps;
    const several = held.backlogCalls > 1;
    // It was on its way when the worker began to leave: nobody here runs it.
    if (this.#capacity <= 0) return this.#putBack(held, held.leave(0));
    if (deaths >= maxDeaths) {
      const reason: LossReason = {
        kind: 'worker-lost',
        message: `${deaths} workers vanished without a word while they held it; it is not tried again`,
      };
      this.#reportLost(held, held.leave(0), reason);
    } else if (deaths > 0 && several) {
      // One of them may have killed the worker: the others are not to share its fate again.
      this.#putBack(held, held.leave(0), { pieceCalls: 1, deaths });
    } else if (message.avoidWorkers?.includes(workerId) === true && this.#deps.hasPeers()) {
      const avoidWorkers = message.avoidWorkers.filter((each) => each !== workerId);
      this.#putBack(held, held.leave(0), { avoidWorkers, deaths });
    }
  }

  /** Gives the worker what it has room for: of the jobs that have least there first. */
  #pump(): void {
    if (this.#receiver === undefined) return;
    const perJob = new Map<string, number>();
    const waiting: HeldMessage[] = [];
    let suspectRuns = false;
    for (const held of this.#held.values()) {
      const key = jobKey(held);
      perJob.set(key, (perJob.get(key) ?? 0) + held.runningCalls);
      suspectRuns ||= held.deaths >= SUSPECT_DEATHS && held.runningCalls > 0;
      if (held.backlogCalls > 0 && !held.waitsForRecord) waiting.push(held);
    }
    if (waiting.length === 0) return;
    waiting.sort((a, b) => (perJob.get(jobKey(a)) ?? 0) - (perJob.get(jobKey(b)) ?? 0));
    for (const held of waiting) {
      const suspect = held.deaths >= SUSPECT_DEATHS;
      if (suspect && suspectRuns) continue;
      suspectRuns ||= suspect;
      this.#give(held);
    }
  }

  #give(held: HeldMessage): void {
    for (
      let calls = held.take(this.#capacity - this.#running);
      calls !== undefined;
      calls = held.take(this.#capacity - this.#running)
    ) {
      this.#running += calls.to - calls.from;
      this.#receiver?.deliver(this.#lease(held, calls));
    }
  }

  #lease(held: HeldMessage, calls: CallRange): CallLease {
    const { job, attempt, part, inlineInputs } = narrowMessage(held.message, calls);
    const descriptor = this.#deps.job(job)?.descriptor;
    return {
      job,
      calls,
      attempt,
      ...(descriptor === undefined ? {} : { descriptor }),
      ...(part === undefined ? {} : { part }),
      ...(inlineInputs === undefined ? {} : { inlineInputs }),
      done: (callId) => this.#done(held, callId),
      giveBack: (callId, reason) => this.#givenBack(held, callId, reason),
    };
  }

  #done(held: HeldMessage, callId: number): void {
    if (!held.answer(callId)) return;
    this.#running -= 1;
    this.#releaseIfOver(held);
    this.#pumpSoon();
  }

  /** Once in a turn of the event loop: thousands of tiny calls end in it. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #givenBack(held: HeldMessage, callId: number, reason: LossReason | undefined): void {
    if (!held.answer(callId)) return;
    this.#running -= 1;
    held.leaving();
    if (this.#answers.size === 0) setImmediate(() => this.#sendAnswers());
    let answers = this.#answers.get(held);
    if (answers === undefined) this.#answers.set(held, (answers = { returned: [], lost: [] }));
    const calls = { from: callId, to: callId + 1 };
    if (reason === undefined) answers.returned.push(calls);
    else answers.lost.push({ calls, reason });
  }

  /** What was given back in one turn of the event loop leaves together. */
  #sendAnswers(): void {
    const all = this.#answers;
    this.#answers = new Map();
    for (const [held, { returned, lost }] of all) {
      if (returned.length > 0) this.#putBack(held, mergeRanges(returned));
      for (const { calls, reason } of lost) this.#reportLost(held, [calls], reason);
      for (let left = returned.length + lost.length; left > 0; left -= 1) held.left();
    }
    this.#pump();
  }

  #putBack(
    held: HeldMessage,
    ranges: readonly CallRange[],
    change: { readonly pieceCalls?: number; readonly deaths?: number; readonly avoidWorkers?: readonly string[] } = {},
  ): void {
    const calls = countCalls(ranges);
    if (calls === 0) return;
    const { message } = held;
    const { pieceCalls = this.#deps.pace.pieceCalls(calls), deaths = held.deaths, avoidWorkers } = change;
    const pieces = cutRanges(ranges, pieceCalls).map((piece) => ({
      id: randomUUID(),
      message: { ...narrowMessage(message, piece), deaths, ...(avoidWorkers === undefined ? {} : { avoidWorkers }) },
    }));
    this.#leave(held, this.#deps.putBack(message.job, pieces));
  }

  #reportLost(held: HeldMessage, calls: readonly CallRange[], reason: LossReason): void {
    const { job, attempt } = held.message;
    if (calls.length === 0) return;
    this.#leave(held, this.#deps.reportLost({ type: 'lost', job, attempt, calls, reason }));
  }

  /** The message stays un-acknowledged until the broker has confirmed where its calls went. */
  #leave(held: HeldMessage, confirmed: Promise<void>): void {
    held.leaving();
    const leaving = confirmed.then(
      () => {
        held.left();
        this.#leaving.delete(leaving);
        this.#releaseIfOver(held);
      },
      // Only a stopped source gets here: the broker still has the message.
      () => void this.#leaving.delete(leaving),
    );
    this.#leaving.add(leaving);
  }

  #releaseIfOver(held: HeldMessage): void {
    if (!held.isOver || !this.#held.delete(held.id)) return;
    this.#completed.add(held.id);
    for (const delivery of held.deliveries) this.#events.onReleased(delivery);
    if (this.isEmpty) this.#events.onEmpty();
  }
}

const countCalls = (ranges: readonly CallRange[]): number => ranges.reduce((sum, { from, to }) => sum + to - from, 0);

const jobKey = ({ message: { job } }: HeldMessage): string => `${job.executorId}-${job.jobNumber}`;
