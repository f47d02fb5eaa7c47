/**
 * The shell around a job's state machine: it brings status, losses and inputs in as events and performs the
 * instructions: submissions, cancellations, settled calls. One per job and client.
 */
import type { CallsLostEvent, WorkerChange } from '../contracts/backend.ts';
import { formatJobId, type CallRange, type JobRef } from '../contracts/calls.ts';
import type { ClockTimer } from '../contracts/clock.ts';
import type { StatusSubscription } from '../contracts/monitoring.ts';
import { serializeError } from '../errors/serialize-error.ts';
import { SplitrockError, isSplitrockError, type CallError } from '../errors/splitrock-error.ts';
import type { CallFinished, StatusEvent } from '../wire/status-event.ts';
import { callErrorOf, recordedOutcome, type Unsuccessful } from './call-errors.ts';
import { subranges } from './call-ranges.ts';
import { CallRecords } from './call-records.ts';
import { InputStore, type SubmissionInputs } from './input-store.ts';
import { JobMachine, type JobCounts, type JobEvent, type JobInstruction } from './job-machine.ts';
import { policyOf } from './job-options.ts';
import type { JobSetup } from './job-setup.ts';
import { ProgressTicker } from './progress-ticker.ts';
import { ResultStore } from './result-store.ts';
import { SettledCalls } from './settled-calls.ts';

/** How long to wait before a submission that the backend refused for the moment is tried again. */
const RESUBMIT_MS = 1_000;

type SubmitInstruction = Extract<JobInstruction, { type: 'submit' }>;

export class JobRun {
  readonly job: JobRef;
  readonly name: string;
  readonly records = new CallRecords();
  readonly results: ResultStore;
  readonly settled = new SettledCalls();
  readonly inputs: InputStore;
  readonly #setup: JobSetup;
  readonly #machine: JobMachine;
  readonly #progress: ProgressTicker;
  readonly #unsuccessful = new Map<number, Unsuccessful>();
  readonly #errors = new Map<number, CallError>();
  readonly #inputErrors = new Map<number, unknown>();
  readonly #attempts = new Map<number, number>();
  readonly #size: Promise<number>;
  #sizeSettlers!: { resolve(size: number): void; reject(error: unknown): void };
  #stored: Promise<unknown> | undefined;
  #descriptor: Uint8Array = new Uint8Array();
  #subscription: StatusSubscription | undefined;
  #submitting: Promise<void> = Promise.resolve();
  #cancelling: Promise<unknown> = Promise.resolve();
  #released: Promise<unknown> = Promise.resolve();
  #holding = false;
  #tick: ClockTimer | undefined;
  #readingError: unknown;
  #submittedAny = false;
  #cancellations = 0;
  #cancelled = false;
  #closed = false;

  constructor(setup: JobSetup) {
    this.#setup = setup;
    this.job = setup.job;
    this.name = setup.name;
    this.results = new ResultStore(setup.services.storage);
    this.inputs = new InputStore(setup.services.storage, setup.job, (error) => this.abort(error));
    this.#machine = new JobMachine(policyOf(setup.options));
    this.#progress = new ProgressTicker(setup.emitter, setup.services.clock, () => this.counts);
    this.#size = new Promise((resolve, reject) => (this.#sizeSettlers = { resolve, reject }));
    this.#size.catch(() => {});
    this.#hold();
  }

  get counts(): JobCounts {
    return this.#machine.counts;
  }

  get jobId(): string {
    return formatJobId(this.job);
  }

  get decoder(): JobSetup['decoder'] {
    return this.#setup.decoder;
  }

  /** Listens for status, before the first submission; to monitoring unless the backend brings all there is. */
  async listen(): Promise<void> {
    if (this.#setup.services.backend.deliversStatus !== true) this.#subscription = await this.#subscribe(false);
  }

  /** Listens to monitoring, and hears first what was published before: others may have submitted calls. */
  async replay(): Promise<void> {
    this.#subscription = await this.#subscribe(true);
    await this.#subscription.refresh();
  }

  /** Hears all that was published before now. */
  async refresh(): Promise<void> {
    await this.#subscription?.refresh();
  }

  #subscribe(
    replay: boolean,
    onEvents = (events: readonly StatusEvent[]): void => this.#onStatus(events),
  ): Promise<StatusSubscription> {
    return this.#setup.services.subscriber.subscribe(
      this.job,
      onEvents,
      (error) => this.#setup.services.logger.warn('Status of a job is delayed.', { jobId: this.jobId, error }),
      { replay },
    );
  }

  /**
   * The descriptor's bytes, which every submission carries. `stored` is when it is in storage, for clients that attach;
   * nothing waits for it but the job's end, and if it fails the job fails.
   */
  useDescriptor(descriptor: Uint8Array, stored?: Promise<unknown>): void {
    this.#descriptor = descriptor;
    this.#stored = stored?.catch((error: unknown) => this.abort(error));
  }

  /** Lets the job's signal cancel it from now on. */
  obeySignal(): void {
    const { signal } = this.#setup;
    const cancel = (): void => void this.cancel();
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  }

  feed(event: JobEvent): void {
    if (event.type === 'inputs-ended') this.#sizeSettlers.resolve(event.total);
    this.#perform(this.#machine.handle(event, this.#now()));
  }

  /** Resolves to the number of calls, once it is final. */
  whenSizeKnown(): Promise<number> {
    return this.#size;
  }

  isSettled(callId: number): boolean {
    return this.#machine.isSettled(callId);
  }

  /** Calls that, as far as status tells, some backend still has. */
  inFlightCalls(): CallRange[] {
    return this.#machine.inFlightCalls();
  }

  /** The latest attempt of a call. */
  attemptInFlight(callId: number): number {
    return this.#machine.attemptOf(callId);
  }

  inputFailed(callId: number, error: unknown): void {
    this.#inputErrors.set(callId, error);
    this.feed({ type: 'input-failed', callId });
  }

  /** Reading a lazy input ended with an error: the calls read so far go on, then the job fails with it. */
  readingFailed(error: unknown, total: number): void {
    this.#readingError = error;
    this.feed({ type: 'inputs-ended', total });
  }

  /** Why the job as a whole failed, beyond its calls. */
  get readingError(): unknown {
    return this.#readingError;
  }

  /** Cancels calls, all without `calls`. Resolves when the backend knows. */
  async cancel(calls?: readonly CallRange[]): Promise<void> {
    this.#cancellations += 1;
    this.#cancelled ||= calls === undefined;
    this.feed(calls === undefined ? { type: 'cancel' } : { type: 'cancel', calls });
    this.settled.wakeReader();
    await this.#cancelling;
  }

  /** Whether this client listens to it no more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether nothing can happen to it any more: it has ended or failed, or this client has closed it. */
  get isOver(): boolean {
    return this.#closed || this.settled.ended || this.settled.aborted;
  }

  /** Whether no more inputs are wanted. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Something without which the job cannot go on is broken: everything that waits gets this error. */
  abort(error: unknown): void {
    if (this.settled.aborted) return;
    this.settled.abort(error);
    this.#sizeSettlers.reject(error);
    this.#cancelled = true;
    this.#letGo();
    this.feed({ type: 'cancel' });
  }

  retryFailed(): void {
    this.settled.reopen();
    this.#cancelled = false;
    this.#unsuccessful.clear();
    this.#errors.clear();
    this.#hold();
    this.#released = this.#released
      .then(() => this.listen())
      .then(
        () => this.feed({ type: 'retry-failed' }),
        (error: unknown) => this.abort(error),
      );
  }

  /** How a settled call ended: `undefined` with a value, else its error. */
  errorOf(callId: number): CallError | undefined {
    const settledBy = this.#unsuccessful.get(callId);
    if (settledBy === undefined) return undefined;
    let error = this.#errors.get(callId);
    if (error === undefined) {
      const call = { jobId: this.jobId, jobName: this.name, callId, attempts: this.attemptsOf(callId) };
      error = callErrorOf(settledBy, call, this.#setup.decoder, this.#inputErrors.get(callId));
      this.#errors.set(callId, error);
    }
    return error;
  }

  /** Ids of the settled calls without a value, in order. */
  failedCalls(): number[] {
    return [...this.#unsuccessful.keys()].toSorted((a, b) => a - b);
  }

  /** Attempts of a settled call; 0 if it never ran. */
  attemptsOf(callId: number): number {
    return this.#attempts.get(callId) ?? 1;
  }

  /** The backend lost calls. Their status may be on its way all the same, so it is looked for first. */
  async onLost(event: CallsLostEvent): Promise<void> {
    try {
      await (this.#subscription === undefined ? this.#lookUp() : this.#subscription.refresh());
    } catch (error) {
      this.#setup.services.logger.warn('Status could not be looked up.', { jobId: this.jobId, error });
    }
    this.feed({ type: 'lost', calls: event.calls, attempt: event.attempt, reason: event.reason });
  }

  /** The backend brought status. Whoever listens to monitoring gets the same from there. */
  onDelivered(events: readonly StatusEvent[]): void {
    if (this.#subscription === undefined) this.#onStatus(events);
  }

  onWorkerChange(change: WorkerChange): void {
    this.#setup.emitter.emit('worker:change', change);
  }

  /** Stops listening and lets the backend forget the job. Nothing of this client's stays but what was received. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#tick?.cancel();
    this.#progress.stop();
    this.#letGo();
    await this.#released;
    await this.#release();
  }

  /** A job that has ended costs nothing any more: no subscription, nothing kept by the backend. */
  async #release(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    // What is still on its way to storage would arrive after the job was cleaned.
    await Promise.all([this.#submitting, this.#cancelling, this.#stored, this.inputs.persisted().catch(() => {})]);
    await subscription?.close();
    if (!this.#submittedAny) return;
    this.#submittedAny = false;
    await this.#setup.services.backend.endJob(this.job);
  }

  /** Reads once what is in monitoring: how calls ended, but not their log, which was delivered as it came. */
  async #lookUp(): Promise<void> {
    const subscription = await this.#subscribe(true, (events) =>
      this.#onStatus(events.filter(({ type }) => type !== 'log')),
    );
    try {
      await subscription.refresh();
    } finally {
      await subscription.close();
    }
  }

  /** The process stays alive while the job runs. */
  #hold(): void {
    if (this.#holding) return;
    this.#holding = true;
    this.#setup.services.keepAlive.acquire();
  }

  #letGo(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.#setup.services.keepAlive.release();
  }

  #now(): number {
    return this.#setup.services.clock.now();
  }

  #onStatus(events: readonly StatusEvent[]): void {
    const { emitter } = this.#setup;
    for (const event of events) {
      if (event.type === 'finished') this.#onFinished(event);
      else if (event.type === 'log') emitter.emit('call:log', event);
      else {
        this.feed(event);
        if (emitter.has('call:start')) emitter.emit('call:start', event);
      }
    }
    this.#progress.changed();
  }

  #onFinished(event: CallFinished): void {
    const { callId, attempt, workerId, slot, startedAtMs, finishedAtMs, usage, outcome } = event;
    const failure = outcome.kind === 'value' ? undefined : outcome;
    const durationMs = finishedAtMs - startedAtMs;
    if (!this.#machine.isSettled(callId)) {
      // Before the machine hears of it: settling wakes whoever waits for the result.
      if (outcome.kind === 'value') this.results.set(callId, outcome);
      this.records.finished({
        callId,
        workerId,
        slot,
        attempt,
        startedAtMs,
        finishedAtMs,
        outcome: recordedOutcome(failure),
        ...(usage === undefined ? {} : { usage }),
      });
    }
    this.feed({ type: 'finished', callId, attempt, workerId, durationMs, failure });
  }

  #perform(instructions: readonly JobInstruction[]): void {
    for (const instruction of instructions) {
      switch (instruction.type) {
        case 'settle':
          this.#settle(instruction);
          break;
        case 'submit':
          this.#submit(instruction);
          break;
        case 'retry':
          this.#announceRetry(instruction);
          break;
        case 'cancel-remote':
          this.#cancelRemote(instruction);
          break;
        case 'ended':
          this.#end();
          break;
      }
    }
    this.#schedule();
  }

  #settle({ callId, attempts, settledBy }: Extract<JobInstruction, { type: 'settle' }>): void {
    if (attempts !== 1) this.#attempts.set(callId, attempts);
    const { emitter } = this.#setup;
    if (settledBy.by === 'value') {
      if (emitter.has('call:finish:success')) emitter.emit('call:finish:success', { callId, attempts });
    } else {
      this.#unsuccessful.set(callId, settledBy);
      if (emitter.has('call:finish:error')) {
        emitter.emit('call:finish:error', { callId, attempts, error: this.errorOf(callId) as CallError });
      }
    }
    this.settled.add(callId);
  }

  #end(): void {
    this.#letGo();
    this.#released = this.#release().catch((error: unknown) =>
      this.#setup.services.logger.warn('A job that has ended could not be let go.', { jobId: this.jobId, error }),
    );
    this.#progress.finish();
    this.settled.end();
    this.#setup.emitter.emit('job:finish', this.counts);
  }

  #announceRetry({ callId, delayMs, failure }: Extract<JobInstruction, { type: 'retry' }>): void {
    const message =
      failure.kind === 'error'
        ? `${failure.name}: ${failure.message}`
        : failure.kind === 'lost'
          ? failure.reason.message
          : failure.kind === 'failed'
            ? failure.error.message
            : failure.kind;
    this.#setup.services.logger.debug('A call is tried again.', {
      jobId: this.jobId,
      callId,
      delayMs,
      kind: failure.kind,
      message,
    });
    this.#setup.emitter.emit('call:retry', { callId, delayMs, kind: failure.kind, message });
  }

  #submit(instruction: SubmitInstruction): void {
    const { from, to } = instruction.calls;
    if (!instruction.backup) this.records.submitted(from, to, this.#now());
    if (!this.#submittedAny) {
      this.#submittedAny = true;
      this.#setup.emitter.emit('job:start', { jobId: this.jobId, name: this.name });
    }
    this.#submitting = this.#submitting.then(() => this.#deliver(instruction));
  }

  async #deliver(instruction: SubmitInstruction): Promise<void> {
    for (const piece of this.inputs.submissions(instruction.calls)) {
      try {
        await piece.persisted;
      } catch {
        return; // The store's trouble has aborted the job already.
      }
      // Calls may have been cancelled while they waited for their turn.
      for (const calls of subranges(piece.calls, (callId) => !this.isSettled(callId))) {
        if (calls.from === piece.calls.from && calls.to === piece.calls.to) await this.#submitPiece(instruction, piece);
        else for (const rest of this.inputs.submissions(calls)) await this.#submitPiece(instruction, rest);
      }
    }
  }

  async #submitPiece(instruction: SubmitInstruction, piece: SubmissionInputs): Promise<void> {
    const { backend, logger } = this.#setup.services;
    const { attempt, avoidWorkers } = instruction;
    const before = this.#cancellations;
    try {
      await backend.submit({
        job: this.job,
        descriptor: this.#descriptor,
        calls: piece.calls,
        attempt,
        avoidWorkers,
        ...piece.inputs,
      });
    } catch (error) {
      if (!isSplitrockError(error) || !error.retryable) return this.#refuse(piece.calls, attempt, error);
      logger.warn('The backend did not take calls; they are submitted again.', { jobId: this.jobId, error });
      return this.feed({ type: 'submission-failed', calls: piece.calls, delayMs: RESUBMIT_MS });
    }
    // A cancellation that came while the submission was on its way has passed it: the backend did not know the calls yet.
    if (this.#cancellations === before) return;
    const cancelled = [...subranges(piece.calls, (callId) => this.isSettled(callId))];
    if (cancelled.length > 0) this.#cancelRemote({ type: 'cancel-remote', calls: cancelled });
  }

  /** The backend will not take these calls, ever. */
  #refuse(calls: CallRange, attempt: number, error: unknown): void {
    const refusal = isSplitrockError(error)
      ? error
      : new SplitrockError('INTERNAL', `The backend failed to take calls: ${String(error)}`, { cause: error });
    const failure = { kind: 'failed', error: { ...serializeError(refusal), retryable: false } } as const;
    for (let callId = calls.from; callId < calls.to; callId += 1) {
      this.feed({ type: 'finished', callId, attempt, workerId: '', durationMs: 0, failure });
    }
  }

  #cancelRemote({ calls, attempt }: Extract<JobInstruction, { type: 'cancel-remote' }>): void {
    const { backend, logger } = this.#setup.services;
    const target = { ...(calls === undefined ? {} : { calls }), ...(attempt === undefined ? {} : { attempt }) };
    const told = backend
      .cancel(this.job, target)
      .catch((error: unknown) => logger.warn('Calls could not be cancelled.', { jobId: this.jobId, error }));
    this.#cancelling = Promise.all([this.#cancelling, told]);
  }

  #schedule(): void {
    this.#tick?.cancel();
    const dueMs = this.#machine.nextTickMs();
    if (dueMs === undefined) {
      this.#tick = undefined;
      return;
    }
    this.#tick = this.#setup.services.clock.setTimer(() => this.feed({ type: 'tick' }), dueMs - this.#now());
  }
}
