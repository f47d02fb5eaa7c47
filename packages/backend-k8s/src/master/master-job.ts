/**
 * One job on the master: the shell around {@link JobLeases}, which decides. It brings what the job's log, its workers and its
 * clients say to the machine, and what the machine wants to workers, clients and storage.
 */
import {
  cutInputPart,
  formatJobId,
  type Clock,
  type ClockTimer,
  type InputPart,
  type JobRef,
  type Logger,
  type LossReason,
} from '@splitrock/core/plugin';
import { JobLeases, type JobLeasesConfig } from '../leases/job-leases.ts';
import type { LeaseEvent, LeaseInstruction } from '../leases/lease-events.ts';
import { rangeSize } from '../leases/pending-calls.ts';
import { isSecretOf } from '../protocol/access-token.ts';
import type { ClientEvent, JobState } from '../protocol/client-messages.ts';
import type { LoggedSubmission } from '../protocol/job-log.ts';
import { Refusal } from '../protocol/refusals.ts';
import { fromAttempt, fromRange, toAttempt } from '../protocol/wire-schemas.ts';
import type { JoinRequest, PollRequest, ReportRequest } from '../protocol/worker-messages.ts';
import type { JobStore, WrittenEntry } from './job-store.ts';
import { WorkerSession } from './worker-session.ts';

/** Progress is written so soon after a change. What a master that is killed did not write, is run again. */
const WRITE_MS = 250;
const WRITE_AGAIN_MS = 2_000;
/** A timer that fires so late shows that this process did not run: nobody could be heard meanwhile. */
const STALL_MS = 1_000;

export interface MasterJobDeps {
  readonly ref: JobRef;
  readonly store: JobStore;
  readonly leases: JobLeasesConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Brings an event to every client that wants to hear of the job. */
  tell(event: ClientEvent, body?: Uint8Array): void;
  /** Nothing is left to do, and nothing of it is in storage any more. */
  removed(): void;
}

interface KeptInputs {
  readonly part: InputPart | undefined;
  readonly inline: Uint8Array | undefined;
}

export class MasterJob {
  readonly ref: JobRef;
  readonly id: string;
  readonly #deps: MasterJobDeps;
  readonly #leases: JobLeases;
  readonly #sessions = new Map<string, WorkerSession>();
  readonly #inputs = new Map<number, KeptInputs>();
  readonly #tokenHashes = new Map<string, string>();
  /** How many entries of each client's are read. */
  readonly #read = new Map<string, number>();
  #reading: Promise<void> = Promise.resolve();
  #lastSubmission = 0;
  #tick: { readonly atMs: number; readonly timer: ClockTimer } | undefined;
  #toWrite: ClockTimer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isOver = false;
  /** Whoever removes it sees to what is in storage. */
  #isForgotten = false;
  #isClosed = false;

  private constructor(deps: MasterJobDeps, leases: JobLeases) {
    this.ref = deps.ref;
    this.id = formatJobId(deps.ref);
    this.#deps = deps;
    this.#leases = leases;
  }

  /** The job as it is in storage; `undefined` when nothing is known of it. */
  static async load(deps: MasterJobDeps): Promise<MasterJob | undefined> {
    const [entries, progress] = await Promise.all([deps.store.readAll(), deps.store.readProgress()]);
    if (entries.length === 0) {
      // Written after the job was removed.
      if (progress !== undefined) await deps.store.remove();
      return undefined;
    }
    const job = new MasterJob(deps, new JobLeases(deps.leases, deps.clock.now(), progress));
    for (const entry of entries) job.#take(entry);
    return job;
  }

  /** Whether calls wait or run. */
  get hasWork(): boolean {
    return this.#leases.openCalls > 0 || this.#leases.heldCalls > 0;
  }

  /** Whether it may be dropped: all is over and no worker needs to be told. */
  get isSpent(): boolean {
    return this.#isOver && this.#sessions.size === 0;
  }

  get state(): JobState {
    const { done, lost } = this.#leases.progress;
    return {
      job: this.id,
      open: this.#leases.open.map(fromAttempt),
      done: done.map(fromAttempt),
      lost: lost.map((each) => [...fromAttempt(each), each.reason]),
      workers: [...this.#sessions].map(([worker, { slots, runtime }]) => [worker, slots, runtime]),
    };
  }

  isWorkerSecret(clientId: string, secret: string): boolean {
    const hash = this.#tokenHashes.get(clientId);
    return hash !== undefined && isSecretOf(hash, secret);
  }

  /** Reads what the client has written since. One after the other, so that entries keep their order. */
  catchUp(clientId: string, entries: number): Promise<void> {
    const reading = this.#reading.then(async () => {
      const from = this.#read.get(clientId) ?? 0;
      for (const entry of await this.#deps.store.readNew(clientId, from, entries)) this.#take(entry);
      this.#read.set(clientId, Math.max(this.#read.get(clientId) ?? 0, entries));
    });
    this.#reading = reading.catch(() => {});
    return reading;
  }

  join({ worker, session, slots, runtime, held }: JoinRequest): void {
    const known = this.#sessions.get(worker);
    if (known?.session === session) this.#sessions.delete(worker);
    const mine = new WorkerSession(session, slots, runtime);
    this.#handle({
      type: 'joined',
      worker,
      slots,
      held: held.map(([attempt, from, to, started]) => ({ ...toAttempt([attempt, from, to]), started: started === 1 })),
    });
    this.#sessions.set(worker, mine);
    if (this.#isOver) mine.deliver(['dismiss', []]);
    this.#deps.tell(['joined', this.id, worker, slots, runtime]);
    this.#changed();
  }

  /** Resolves to what there is for the worker, or to nothing when `until` comes first. */
  async poll(request: PollRequest, until: Promise<void>): Promise<ReturnType<WorkerSession['after']>> {
    const mine = this.#session(request.worker, request.session);
    this.#handle({ type: 'room', worker: request.worker, calls: mine.roomLeft(request) });
    return mine.after(request.received, until);
  }

  /** The worker's connection broke while it listened. */
  disconnected(worker: string, session: string): void {
    const mine = this.#sessions.get(worker);
    if (mine?.session === session && !mine.isListening) this.#handle({ type: 'disconnected', worker });
  }

  report(request: ReportRequest, segments: readonly Uint8Array[]): void {
    const { worker, session, report, answers } = request;
    const mine = this.#session(worker, session);
    if (mine.isNewReport(report)) {
      // Status first: whoever hears that a call is done is to know how it ended.
      for (const segment of segments) this.#deps.tell(['status', this.id, segment.length], segment);
      const told = answers.map(([type, attempt, from, to, reason]) => ({
        type: ({ s: 'started', d: 'done', b: 'back' } as const)[type],
        ...toAttempt([attempt, from, to]),
        ...(reason === 0 ? {} : { reason }),
      }));
      if (told.length > 0) this.#handle({ type: 'answered', worker, answers: told });
      if (told.some(({ type }) => type !== 'started')) this.#changed();
    }
    this.#handle({ type: 'room', worker, calls: mine.roomLeft(request) });
  }

  leave(worker: string, session: string): void {
    this.#session(worker, session);
    this.#handle({ type: 'left', worker });
  }

  died(worker: string, reason: LossReason): void {
    this.#handle({ type: 'died', worker, reason });
  }

  /** Lets go of the job; what is known of it is in storage then. */
  async close(): Promise<void> {
    this.#stopTimers();
    this.#isClosed = true;
    await this.#writing;
    if (!this.#isOver) await this.#write();
  }

  /** The same for one that is being removed from storage. */
  async forget(): Promise<void> {
    this.#handle({ type: 'cancelled', target: {}, graceMs: 0 });
    this.#isForgotten = true;
    this.#isOver = true;
    this.#toWrite?.cancel();
    this.#toWrite = undefined;
    for (const session of this.#sessions.values()) session.deliver(['dismiss', []]);
    await this.#writing;
    await this.#deps.store.remove();
  }

  #session(worker: string, session: string): WorkerSession {
    const mine = this.#sessions.get(worker);
    if (mine === undefined || mine.session !== session || !this.#leases.has(worker)) {
      throw new Refusal('MASTER_SESSION_UNKNOWN', `worker ${worker}`);
    }
    return mine;
  }

  #take({ clientId, number, entry }: WrittenEntry): void {
    const { workerTokenHash, submit, cancel, end } = entry;
    this.#read.set(clientId, Math.max(this.#read.get(clientId) ?? 0, number + 1));
    if (workerTokenHash !== undefined) this.#tokenHashes.set(clientId, workerTokenHash);
    if (submit !== undefined) this.#submit(submit);
    if (cancel !== undefined) this.#handle({ type: 'cancelled', target: cancel, graceMs: cancel.graceMs });
    if (end === true) this.#handle({ type: 'ended' });
  }

  #submit({ calls, attempt, part, inlineInputs, avoidWorkers = [] }: LoggedSubmission): void {
    this.#isOver = false;
    this.#isForgotten = false;
    const id = (this.#lastSubmission += 1);
    this.#inputs.set(id, { part, inline: inlineInputs });
    this.#handle({ type: 'submitted', submission: { id, calls, attempt, avoidWorkers } });
  }

  #handle(event: LeaseEvent): void {
    if (this.#isClosed) return;
    for (const instruction of this.#leases.handle(event, this.#deps.clock.now())) this.#perform(instruction);
    this.#schedule();
  }

  #perform(instruction: LeaseInstruction): void {
    switch (instruction.type) {
      case 'lease':
        return this.#lease(instruction);
      case 'cancel': {
        const { calls, attempt } = instruction.target;
        const ranges = calls === undefined ? (0 as const) : calls.map(fromRange);
        this.#sessions.get(instruction.worker)?.deliver(['cancel', [ranges, attempt ?? 0, instruction.graceMs]]);
        return;
      }
      case 'lost': {
        const { lost, reason } = instruction;
        this.#deps.tell(['lost', this.id, lost.attempt, fromRange(lost.calls), reason]);
        return this.#changed();
      }
      case 'worker-gone':
        this.#sessions.delete(instruction.worker);
        this.#deps.tell(['gone', this.id, instruction.worker, instruction.reason ?? 0]);
        return this.#changed();
      case 'dismiss':
        this.#sessions.get(instruction.worker)?.deliver(['dismiss', []]);
        return;
      case 'over':
        return this.#over();
    }
  }

  #lease({ worker, submission, leased }: Extract<LeaseInstruction, { type: 'lease' }>): void {
    const { part, inline } = this.#inputs.get(submission) as KeptInputs;
    const body = inline === undefined ? undefined : cutInputPart(inline, leased.calls);
    const place = part === undefined ? (0 as const) : ([part.firstCall, part.calls] as [number, number]);
    const message = [...fromAttempt(leased), place, body?.length ?? 0] as const;
    this.#sessions.get(worker)?.deliver(['lease', [...message]], body, rangeSize(leased.calls));
  }

  #over(): void {
    this.#isOver = true;
    if (this.#isForgotten) return;
    this.#toWrite?.cancel();
    this.#toWrite = undefined;
    this.#writing = this.#writing
      .then(async () => {
        // There may have been more to do by now.
        if (this.#isOver) await this.#deps.store.remove();
      })
      .catch((error: unknown) =>
        this.#deps.logger.warn('what is kept of a job could not be removed', { jobId: this.id, error }),
      )
      .then(() => {
        if (!this.#isOver) return;
        this.#deps.tell(['over', this.id]);
        this.#deps.removed();
      });
  }

  /** Soon after the first change, so that many changes are written together. */
  #changed(delayMs = WRITE_MS): void {
    if (this.#isOver || this.#isClosed || this.#toWrite !== undefined) return;
    this.#toWrite = this.#deps.clock.setTimer(() => {
      this.#toWrite = undefined;
      this.#writing = this.#writing.then(() => this.#write());
    }, delayMs);
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    if (this.#isOver) return;
    try {
      await this.#deps.store.writeProgress(this.#leases.progress);
    } catch (error) {
      this.#deps.logger.warn('the progress of a job could not be written', { jobId: this.id, error });
      this.#changed(WRITE_AGAIN_MS);
    }
  }

  #schedule(): void {
    const { dueMs } = this.#leases;
    if (this.#isClosed || this.#tick?.atMs === dueMs) return;
    this.#tick?.timer.cancel();
    this.#tick = undefined;
    if (dueMs === undefined) return;
    const { clock } = this.#deps;
    const timer = clock.setTimer(() => {
      this.#tick = undefined;
      const lateMs = clock.now() - dueMs;
      this.#handle({ type: 'tick', ...(lateMs > STALL_MS ? { stalledMs: lateMs + STALL_MS } : {}) });
    }, dueMs - clock.now());
    this.#tick = { atMs: dueMs, timer };
  }

  #stopTimers(): void {
    this.#tick?.timer.cancel();
    this.#toWrite?.cancel();
    this.#toWrite = undefined;
  }
}
