/**
 * A client's line to the master: says who it is and what it waits for, hears what happens, and brings what it wrote to the
 * master's attention. While nothing is waited for, nothing is asked.
 */
import {
  decodeStatusSegment,
  pause,
  type Clock,
  type Logger,
  type LossReason,
  type RuntimeInfo,
  type StatusEvent,
} from '@splitrock/core/plugin';
import type { MasterCaller } from '../access/master-caller.ts';
import { MasterRefusedError, isRefusal } from '../access/master-error.ts';
import {
  helloAnswer,
  plainAnswer,
  watchAnswer,
  type ClientEvent,
  type JobState,
  type WatchAnswer,
} from '../protocol/client-messages.ts';

export interface MasterLinkDeps {
  readonly caller: MasterCaller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes sure that the master will let this client in. */
  introduce(): Promise<void>;
  /** There is no master, or none that answers: sees to it that there will be. */
  summon(): Promise<void>;
  /** Jobs that are waited for, and how many entries of their logs are written. */
  jobs(): readonly (readonly [string, number])[];
  /** Whether the line is to be kept open. */
  isWanted(): boolean;
}

export interface MasterLinkEvents {
  /** A master that was not asked before answers; what it knows of the jobs. */
  onHello(states: ReadonlyMap<string, JobState>, asked: ReadonlySet<string>): void;
  onStatus(job: string, events: readonly StatusEvent[]): void;
  onEvent(event: Exclude<ClientEvent, readonly ['status', ...unknown[]]>): void;
  /** For how long the master has not answered, and why; `undefined`: it answers. */
  onTrouble(trouble: { readonly sinceMs: number; readonly error: Error } | undefined): void;
}

const WATCH_MS = 20_000;
const PATIENCE_MS = 40_000;
const FORGET_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export class MasterLink {
  readonly #deps: MasterLinkDeps;
  readonly #events: MasterLinkEvents;
  readonly #stop = new AbortController();
  /** Entries of each job's log that the master has read. */
  readonly #told = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #running: Promise<void> | undefined;
  #poking: Promise<void> | undefined;
  /** What is heard of, at which master, and up to where. Outlasts a broken connection. */
  #session: { readonly epoch: string; received: number } | undefined;
  /** Numbers of the hello that is due unless it is done, of the latest that was begun, and of the latest that was answered. */
  readonly #hellos = { due: 1, begun: 0, done: 0 };
  #isAnswered = false;
  #runtime: RuntimeInfo | undefined;
  #isIntroduced = false;
  #troubleSinceMs: number | undefined;
  #interrupt: AbortController | undefined;

  constructor(deps: MasterLinkDeps, events: MasterLinkEvents) {
    this.#deps = deps;
    this.#events = events;
  }

  /** What workers of the master's image offer, once it has answered. */
  get runtime(): RuntimeInfo | undefined {
    return this.#runtime;
  }

  /** Whether a master answers. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** There is something to wait for, or something new in a log. */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#isAnswered = false;
      if (!this.#stop.signal.aborted && this.#deps.isWanted()) this.wake();
    });
    this.#poke();
  }

  /** Resolves once the master has read so many entries, or the link is stopped. */
  async told(job: string, entries: number, signal?: AbortSignal): Promise<void> {
    this.wake();
    await this.#until(() => (this.#told.get(job) ?? 0) >= entries, signal);
  }

  async untilAnswered(signal?: AbortSignal): Promise<void> {
    this.wake();
    await this.#until(() => this.#runtime !== undefined, signal);
  }

  forgetJob(job: string): void {
    this.#told.delete(job);
  }

  /** A worker's pod ended. Told once: a master that does not hear it notices by itself. */
  async died(job: string, worker: string, reason: LossReason): Promise<void> {
    const epoch = this.#session?.epoch;
    if (epoch === undefined) return;
    const { kind, message, exitCode, signal } = reason;
    const told = { kind, message, workerId: worker, ...(exitCode === undefined ? {} : { exitCode }) };
    const header = { v: 1, epoch, job, worker, reason: { ...told, ...(signal === undefined ? {} : { signal }) } };
    await this.#deps.caller
      .ask({ path: '/v1/client/death', header, answer: plainAnswer, timeoutMs: PATIENCE_MS, signal: this.#stop.signal })
      .catch((error: unknown) => this.#deps.logger.debug('the master was not told of a death', { error }));
  }

  /** Hangs up when nothing is waited for any more. */
  rest(): void {
    if (!this.#deps.isWanted()) this.#interrupt?.abort();
  }

  /** Says anew what is waited for; resolves when the master has told what it knows of it. */
  async askAgain(signal?: AbortSignal): Promise<void> {
    // One that is under way does not say all that is waited for now.
    const due = (this.#hellos.due = this.#hellos.begun + 1);
    this.wake();
    this.#interrupt?.abort();
    await this.#until(() => this.#hellos.done >= due, signal);
  }

  /** These jobs are being removed. @throws when the master does not say that it has heard. */
  async forget(jobs: readonly string[]): Promise<void> {
    await this.#deps.caller.ask({
      path: '/v1/client/forget',
      header: { v: 1, jobs },
      answer: plainAnswer,
      timeoutMs: FORGET_MS,
      signal: this.#stop.signal,
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const wake of this.#waiting) wake();
    await Promise.all([this.#running, this.#poking]);
  }

  async #until(condition: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    while (!condition() && !this.#stop.signal.aborted) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      });
    }
    signal?.throwIfAborted();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    let tries = 0;
    while (!this.#stop.signal.aborted && this.#deps.isWanted()) {
      this.#interrupt = new AbortController();
      try {
        if (this.#hellos.done < this.#hellos.due) await this.#hello();
        await this.#watch();
        tries = 0;
      } catch (error) {
        this.#isAnswered = false;
        if (this.#stop.signal.aborted) return;
        if (this.#interrupt.signal.aborted) continue;
        if (error instanceof MasterRefusedError) this.#hellos.due = this.#hellos.begun + 1;
        await this.#recover(error as Error, tries);
        tries += 1;
      }
    }
  }

  async #recover(error: Error, tries: number): Promise<void> {
    const { clock, logger } = this.#deps;
    // A master that is there and has forgotten us is asked again at once.
    if (isRefusal(error, 'MASTER_SESSION_UNKNOWN') && tries === 0) return;
    if (isRefusal(error, 'MASTER_TOKEN_REFUSED')) this.#isIntroduced = false;
    logger.debug('the master does not answer', { tries, error });
    this.#troubleSinceMs ??= clock.now();
    this.#events.onTrouble({ sinceMs: this.#troubleSinceMs, error });
    try {
      if (!(error instanceof MasterRefusedError)) await this.#deps.summon();
    } catch (reason) {
      logger.debug('no master could be made', { error: reason });
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10)) * (0.5 + Math.random());
    await this.#pause(pauseMs);
  }

  async #hello(): Promise<void> {
    const { caller } = this.#deps;
    if (!this.#isIntroduced) {
      await this.#deps.introduce();
      this.#isIntroduced = true;
    }
    const number = (this.#hellos.begun += 1);
    const jobs = this.#deps.jobs();
    const { header, body } = await caller.ask({
      path: '/v1/client/hello',
      header: { v: 1, jobs, ...(this.#session === undefined ? {} : { heard: this.#session }) },
      answer: helloAnswer,
      timeoutMs: PATIENCE_MS,
      signal: this.#stop.signal,
    });
    this.#session = { epoch: header.epoch, received: header.last };
    this.#hellos.done = number;
    this.#runtime = header.runtime;
    this.#answered();
    this.#hear(header, body);
    const states = new Map(header.jobs.map((state) => [state.job, state]));
    this.#events.onHello(states, new Set(jobs.map(([id]) => id)));
    this.#noteTold(jobs);
    this.#poke();
  }

  #answered(): void {
    this.#isAnswered = true;
    if (this.#troubleSinceMs !== undefined) this.#events.onTrouble(undefined);
    this.#troubleSinceMs = undefined;
  }

  async #watch(): Promise<void> {
    const { caller } = this.#deps;
    const signals = [this.#stop.signal, ...(this.#interrupt === undefined ? [] : [this.#interrupt.signal])];
    while (!this.#stop.signal.aborted && this.#deps.isWanted()) {
      const session = this.#session;
      if (session === undefined) return;
      // Whether it answers again is to be known at once.
      const waitMs = this.#isAnswered ? WATCH_MS : 0;
      const { header, body } = await caller.ask({
        path: '/v1/client/watch',
        header: { v: 1, ...session, waitMs },
        answer: watchAnswer,
        waitMs,
        timeoutMs: WATCH_MS + PATIENCE_MS,
        signal: AbortSignal.any(signals),
      });
      session.received = header.last;
      this.#answered();
      this.#poke();
      this.#hear(header, body);
    }
  }

  #hear({ events }: WatchAnswer, body: Uint8Array): void {
    let offset = 0;
    for (const event of events) {
      if (event[0] !== 'status') {
        this.#events.onEvent(event);
        continue;
      }
      const segment = body.subarray(offset, (offset += event[2]));
      this.#events.onStatus(event[1], decodeStatusSegment(segment));
    }
  }

  /** Never rejects. */
  async #pause(delayMs: number): Promise<void> {
    await pause(this.#deps.clock, delayMs, { signal: this.#stop.signal, keepAlive: true }).catch(() => {});
  }

  /** One poke at a time; what is written meanwhile is in the next. */
  #poke(): void {
    if (this.#poking !== undefined || !this.#isAnswered || this.#news().length === 0) return;
    this.#poking = this.#sendPokes().finally(() => (this.#poking = undefined));
  }

  /** Never rejects: what could not be told is told again, or by the next hello. */
  async #sendPokes(): Promise<void> {
    const { caller, logger } = this.#deps;
    for (let jobs = this.#news(); jobs.length > 0 && this.#isAnswered; jobs = this.#news()) {
      const epoch = this.#session?.epoch;
      if (epoch === undefined) return;
      try {
        await caller.ask({
          path: '/v1/client/poke',
          header: { v: 1, epoch, jobs },
          answer: plainAnswer,
          timeoutMs: PATIENCE_MS,
          signal: this.#stop.signal,
        });
        this.#noteTold(jobs);
      } catch (error) {
        logger.debug('the master was not told of news', { error });
        await this.#pause(FIRST_PAUSE_MS);
        if (this.#stop.signal.aborted) return;
      }
    }
  }

  #news(): readonly (readonly [string, number])[] {
    return this.#deps.jobs().filter(([id, entries]) => (this.#told.get(id) ?? -1) < entries);
  }

  #noteTold(jobs: readonly (readonly [string, number])[]): void {
    for (const [id, entries] of jobs) this.#told.set(id, Math.max(entries, this.#told.get(id) ?? 0));
    for (const wake of this.#waiting) wake();
  }
}
