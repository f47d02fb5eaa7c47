/**
 * Worker half: gets calls from the master, and tells it what became of them.
 *
 * Two requests are under way: a long poll, by which calls come, and reports, by which answers and status go. A master that
 * does not answer may be gone; its address is read again and the next one is told what this worker holds, which runs on.
 */
import { randomBytes } from 'node:crypto';
import {
  BackendError,
  cutInputPart,
  formatJobId,
  pause,
  type CallReceiver,
  type CallSource,
  type ClockTimer,
  type JobRef,
  type LossReason,
  type StatusEvent,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { MasterCaller, type MasterQuestion, type MasterReply } from '../access/master-caller.ts';
import { isRefusal } from '../access/master-error.ts';
import { DirectWay } from '../access/master-way.ts';
import { BackendKeys } from '../protocol/backend-keys.ts';
import { runtimeToTell, toRange } from '../protocol/wire-schemas.ts';
import {
  joinAnswer,
  plainAnswer,
  pollAnswer,
  type Readiness,
  type WorkerMessage,
} from '../protocol/worker-messages.ts';
import { HeldCalls } from './held-calls.ts';
import { ReportOutbox } from './report-outbox.ts';

export interface K8sSourceSetup {
  readonly pool: string;
  readonly job: JobRef;
  /** Lets this worker in at the master, for this job. */
  readonly token: string;
  readonly leaseMs: number;
  /** Without anything to do for so long the worker leaves. */
  readonly idleMs: number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** A master that is throttled takes its time; one that is gone is found out by its connection. */
const PATIENCE_MS = 60_000;
/** A worker that finds no master for so long after its start gives up; another pod tries. */
const START_TIMEOUT_MS = 120_000;
/** How long answers may take to reach the master when the worker leaves. */
const FLUSH_MS = 10_000;
/** A master that refuses us so often does not know the job any more. */
const MOST_REFUSALS = 5;

export class K8sCallSource implements CallSource {
  readonly #setup: K8sSourceSetup;
  readonly #deps: WorkerDeps;
  readonly #caller: MasterCaller;
  readonly #held = new HeldCalls();
  readonly #outbox: ReportOutbox;
  readonly #session = randomBytes(16).toString('base64url');
  readonly #stop = new AbortController();
  readonly #graces = new Set<ClockTimer>();
  #receiver: CallReceiver | undefined;
  #capacity = 0;
  #received = 0;
  #turn = 0;
  #joining: Promise<void> | undefined;
  #reporting: Promise<void> | undefined;
  #toReport = false;
  #polling: Promise<void> = Promise.resolve();
  #refusals = 0;
  #idle: ClockTimer | undefined;
  #isDismissed = false;

  constructor(setup: K8sSourceSetup, deps: WorkerDeps) {
    const { pool, token } = setup;
    const { storage, tenant, workerId, clock } = deps;
    this.#setup = setup;
    this.#deps = deps;
    this.#outbox = new ReportOutbox(workerId, this.#held);
    const key = new BackendKeys({ tenant, pool }).master;
    this.#caller = new MasterCaller({ storage, key, token, way: new DirectWay(), clock });
  }

  async start(receiver: CallReceiver): Promise<void> {
    this.#receiver = receiver;
    const { clock } = this.#deps;
    const giveUpMs = clock.now() + START_TIMEOUT_MS;
    try {
      await this.#persist(
        () => this.#join(),
        () => clock.now() < giveUpMs,
      );
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await this.stop();
      throw new BackendError('BACKEND_UNAVAILABLE', `No master lets this worker in: ${why}.`, { cause: error });
    }
    this.#restless();
    this.#polling = this.#poll();
  }

  setCapacity(calls: number): void {
    const hasMore = calls > this.#capacity;
    this.#capacity = calls;
    if (hasMore) this.#report();
  }

  published(_job: JobRef, events: readonly StatusEvent[]): void {
    this.#outbox.add(events);
    this.#report();
  }

  async flush(): Promise<void> {
    const { clock } = this.#deps;
    let timer: ClockTimer | undefined;
    const late = new Promise<void>((resolve) => (timer = clock.setTimer(resolve, FLUSH_MS, { keepAlive: true })));
    this.#report();
    await Promise.race([late, this.#flushed()]);
    timer?.cancel();
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#idle?.cancel();
    for (const timer of this.#graces) timer.cancel();
    this.#stop.abort();
    await Promise.all([this.#polling, this.#reporting]);
    try {
      await this.#ask({ path: '/v1/worker/leave', header: this.#who, answer: plainAnswer, timeoutMs: 2_000 });
    } catch (error) {
      // It sees that nobody asks any more.
      this.#deps.logger.debug('the master was not told that the worker leaves', { error });
    }
    this.#caller.close();
  }

  get #who(): { readonly v: 1; readonly worker: string; readonly session: string } {
    return { v: 1, worker: this.#deps.workerId, session: this.#session };
  }

  /** As it is now. */
  #readiness(): Readiness {
    const room = Math.max(0, Math.min(1_000_000, this.#capacity - this.#held.size));
    return { turn: (this.#turn += 1), room, received: this.#received };
  }

  get #slots(): number {
    const { workerProcesses, callsPerProcess } = this.#deps.slots ?? { workerProcesses: 1, callsPerProcess: 1 };
    return workerProcesses * callsPerProcess;
  }

  #ask<Header>(question: MasterQuestion<Header>): Promise<MasterReply<Header>> {
    return this.#caller.ask(question);
  }

  /** Once at a time: polls and reports may both find that the master does not know us. */
  #join(): Promise<void> {
    this.#joining ??= this.#tryJoin().finally(() => (this.#joining = undefined));
    return this.#joining;
  }

  async #tryJoin(): Promise<void> {
    const runtime = runtimeToTell(this.#deps.runtime);
    const header = { ...this.#who, slots: this.#slots, runtime, held: this.#held.list };
    await this.#ask({
      path: '/v1/worker/join',
      header,
      answer: joinAnswer,
      timeoutMs: PATIENCE_MS,
      signal: this.#stop.signal,
    });
    // Its deliveries are numbered anew.
    this.#received = 0;
    this.#refusals = 0;
  }

  /** Never rejects. */
  async #poll(): Promise<void> {
    const waitMs = Math.min(20_000, Math.floor(this.#setup.leaseMs / 3));
    while (!this.#stop.signal.aborted) {
      await this.#persist(async () => {
        const { header, body } = await this.#ask({
          path: '/v1/worker/poll',
          header: { ...this.#who, ...this.#readiness(), waitMs },
          answer: pollAnswer,
          waitMs,
          timeoutMs: waitMs + PATIENCE_MS,
          signal: this.#stop.signal,
        });
        this.#take(header.messages, body);
      }).catch(() => {});
    }
  }

  /** Soon: what is told in one turn of the event loop leaves together. */
  #report(): void {
    this.#toReport = true;
    if (this.#reporting !== undefined || this.#receiver === undefined) return;
    this.#reporting = this.#sendReports().finally(() => (this.#reporting = undefined));
  }

  /** Never rejects. */
  async #sendReports(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#toReport && !this.#stop.signal.aborted) {
      this.#toReport = false;
      const { number, answers, segments } = this.#outbox.next();
      await this.#persist(async () => {
        await this.#ask({
          path: '/v1/worker/report',
          header: {
            ...this.#who,
            ...this.#readiness(),
            report: number,
            answers,
            segments: segments.map(({ length }) => length),
          },
          body: segments,
          answer: plainAnswer,
          timeoutMs: PATIENCE_MS,
          signal: this.#stop.signal,
        });
        this.#outbox.arrived();
      }).catch(() => {});
      if (!this.#outbox.isEmpty) this.#toReport = true;
    }
  }

  async #flushed(): Promise<void> {
    while (this.#reporting !== undefined) await this.#reporting;
  }

  /**
   * Tries until it works: a master that is away comes back, or another one. @throws the last error, when `goesOn` says no
   * or the source is stopped.
   */
  async #persist(work: () => Promise<void>, goesOn: () => boolean = () => true): Promise<void> {
    const { clock, logger } = this.#deps;
    for (let tries = 0; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (this.#stop.signal.aborted || !goesOn()) throw error;
        if (isRefusal(error, 'MASTER_SESSION_UNKNOWN')) {
          await this.#join().catch(() => {});
          if (tries === 0) continue;
        }
        if (isRefusal(error, 'MASTER_TOKEN_REFUSED')) this.#refused();
        logger.warn('the master cannot be asked', { tries, error });
        const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10)) * (0.5 + Math.random());
        await pause(clock, pauseMs, { signal: this.#stop.signal, keepAlive: true }).catch(() => {});
      }
    }
  }

  #refused(): void {
    this.#refusals += 1;
    if (this.#refusals !== MOST_REFUSALS || this.#isDismissed) return;
    this.#isDismissed = true;
    this.#receiver?.cancel({ job: this.#setup.job });
    this.#receiver?.shutdown({ graceMs: 0, reason: 'the master does not know the job any more' });
  }

  #take(messages: readonly WorkerMessage[], body: Uint8Array): void {
    let offset = 0;
    for (const message of messages) {
      const [type, number] = message;
      const bytes = type === 'lease' ? message[6] : 0;
      const inline = body.subarray(offset, offset + bytes);
      offset += bytes;
      if (number <= this.#received) continue;
      this.#received = number;
      if (type === 'lease') this.#deliver(message, inline);
      else if (type === 'cancel') this.#cancel(message);
      else this.#dismiss();
    }
  }

  #deliver(message: Extract<WorkerMessage, readonly ['lease', ...unknown[]]>, inline: Uint8Array): void {
    const [, , attempt, from, to, part] = message;
    this.#idle?.cancel();
    this.#idle = undefined;
    const { job } = this.#setup;
    for (const calls of this.#held.take(attempt, { from, to })) {
      this.#receiver?.deliver({
        job,
        calls,
        attempt,
        ...(part === 0 ? {} : { part: { firstCall: part[0], calls: part[1] } }),
        ...(inline.length === 0 ? {} : { inlineInputs: cutInputPart(inline, calls) }),
        started: (callId) => {
          this.#held.started(attempt, callId);
          this.#report();
        },
        done: (callId) => this.#answer('d', attempt, callId),
        giveBack: (callId, reason) => this.#answer('b', attempt, callId, reason),
      });
    }
  }

  #answer(type: 'd' | 'b', attempt: number, callId: number, reason?: LossReason): void {
    if (!this.#held.answer(type, attempt, callId, reason)) return;
    this.#report();
    this.#restless();
  }

  #cancel([, , calls, attempt, graceMs]: Extract<WorkerMessage, readonly ['cancel', ...unknown[]]>): void {
    const target = {
      job: this.#setup.job,
      ...(calls === 0 ? {} : { calls: calls.map(toRange) }),
      ...(attempt === 0 ? {} : { attempt }),
    };
    const cancel = (): void => this.#receiver?.cancel(target);
    if (graceMs <= 0) return cancel();
    const timer: ClockTimer = this.#deps.clock.setTimer(() => {
      this.#graces.delete(timer);
      cancel();
    }, graceMs);
    this.#graces.add(timer);
  }

  #dismiss(): void {
    if (this.#isDismissed) return;
    this.#isDismissed = true;
    const { job } = this.#setup;
    this.#receiver?.endJob(job);
    this.#receiver?.shutdown({ graceMs: 0, reason: `job ${formatJobId(job)} is over` });
  }

  /** Leaves when it has had nothing to do for long. */
  #restless(): void {
    if (this.#held.size > 0 || this.#idle !== undefined || this.#stop.signal.aborted) return;
    const { idleMs } = this.#setup;
    this.#idle = this.#deps.clock.setTimer(() => {
      this.#receiver?.shutdown({ graceMs: 0, reason: `nothing to do for ${idleMs / 1000} s` });
    }, idleMs);
  }
}
