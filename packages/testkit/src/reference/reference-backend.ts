/** The client's half: calls wait in a queue for each job, and the one worker gets as many as it says it holds. */
import {
  IllegalStateError,
  formatJobId,
  type Backend,
  type BackendDeps,
  type BackendListener,
  type CallRange,
  type CallSubmission,
  type CleanResult,
  type JobRef,
  type LossReason,
  type OperationOptions,
  type RuntimeInfo,
  type StopOptions,
} from '@splitrock/core/plugin';
import type { CancelTarget, FromWorker } from './messages.ts';
import type { ReferenceBackendOptions } from './reference-backend-options.ts';
import { ReferenceWorker } from './reference-worker.ts';

/** After so many workers in a row that could not start, nobody is made to wait any longer. */
const MAX_FAILED_STARTS = 3;

/** Calls that the worker holds and has not answered for. */
interface Lease {
  readonly submission: CallSubmission;
  readonly unanswered: Set<number>;
  readonly started: Set<number>;
  readonly cancelled: Set<number>;
}

// #region backend
export class ReferenceBackend implements Backend {
  readonly name = 'reference';
  /** Workers run on this machine: they see its files. */
  readonly sharesFiles = true;
  readonly #options: ReferenceBackendOptions;
  readonly #deps: BackendDeps;
  /** What waits, by job; the first job is next, and goes to the end after its turn. */
  readonly #queues = new Map<string, CallSubmission[]>();
  readonly #leases = new Map<number, Lease>();
  #leaseCount = 0;
  /** Jobs that were ended and of which calls are still here. */
  readonly #ended = new Map<string, JobRef>();
  #worker: ReferenceWorker | undefined;
  #capacity = 0;
  #isReady = false;
  #failedStarts = 0;
  #listener: BackendListener | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ReferenceBackendOptions, deps: BackendDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async start(listener: BackendListener, options: OperationOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    if (this.#listener !== undefined) throw this.#illegal('is started already');
    this.#listener = listener;
  }

  capacity(): { readonly current: number; readonly max: number } {
    const max = this.#stopping === undefined ? this.#options.workerProcesses : 0;
    return { current: this.#capacity > 0 ? max : 0, max };
  }

  async runtime(options: OperationOptions = {}): Promise<RuntimeInfo> {
    this.#check(options);
    return { nodeVersion: process.versions.node };
  }

  async submit(submission: CallSubmission, options: OperationOptions = {}): Promise<void> {
    this.#check(options);
    this.#ended.delete(formatJobId(submission.job));
    this.#enqueue(submission, 'push');
    this.#dispatch();
  }

  async cancel(job: JobRef, options: OperationOptions & Omit<CancelTarget, 'job'> = {}): Promise<void> {
    this.#check(options);
    const { signal: _signal, ...which } = options;
    const key = formatJobId(job);
    const isMeant = (callId: number, attempt: number): boolean =>
      (which.attempt ?? attempt) === attempt && (which.calls?.some((range) => isIn(range, callId)) ?? true);
    const left = (this.#queues.get(key) ?? []).flatMap((submission) => {
      const ids = idsOf(submission.calls).filter((callId) => !isMeant(callId, submission.attempt));
      return rangesOf(ids).map((calls) => ({ ...submission, calls }));
    });
    this.#replaceQueue(key, left);
    for (const { submission, unanswered, cancelled } of this.#leases.values()) {
      if (formatJobId(submission.job) !== key) continue;
      for (const callId of unanswered) if (isMeant(callId, submission.attempt)) cancelled.add(callId);
    }
    this.#worker?.send({ type: 'cancel', target: { job, ...which } });
  }

  async endJob(job: JobRef, options: OperationOptions = {}): Promise<void> {
    this.#check(options);
    this.#ended.set(formatJobId(job), job);
    this.#forgetEnded();
  }

  /** Workers die with the client that started them: nothing is left of jobs. */
  async clean(_target: object, options: OperationOptions = {}): Promise<CleanResult> {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    return { removed: {} };
  }

  async stop({ graceMs = 0 }: StopOptions = {}): Promise<void> {
    this.#queues.clear();
    this.#stopping ??= this.#worker?.stop(graceMs, this.#deps) ?? Promise.resolve();
    await this.#stopping;
    // Told once the worker's files are gone too.
    await this.#worker?.ended;
  }

  /** Starts a worker when there is none, and hands out what it has room for, a fair share to each job. */
  #dispatch(): void {
    if (this.#queues.size === 0 || this.#stopping !== undefined) return;
    if (this.#worker === undefined) return this.#startWorker();
    for (let room = this.#room(); room > 0 && this.#queues.size > 0; room = this.#room()) {
      const [key, queue] = this.#queues.entries().next().value as [string, CallSubmission[]];
      const submission = queue.shift() as CallSubmission;
      const { from, to } = submission.calls;
      const end = Math.min(to, from + Math.ceil(room / this.#queues.size));
      if (end < to) queue.unshift({ ...submission, calls: { from: end, to } });
      this.#queues.delete(key);
      if (queue.length > 0) this.#queues.set(key, queue);
      this.#lend({ ...submission, calls: { from, to: end } });
    }
  }

  #room(): number {
    const held = [...this.#leases.values()].reduce((sum, { unanswered }) => sum + unanswered.size, 0);
    return this.#capacity - held;
  }

  #lend(submission: CallSubmission): void {
    const { job, descriptor, calls, attempt, part, inlineInputs } = submission;
    const id = (this.#leaseCount += 1);
    const unanswered = new Set(idsOf(calls));
    this.#leases.set(id, { submission, unanswered, started: new Set(), cancelled: new Set() });
    const inputs = { ...(part === undefined ? {} : { part }), ...(inlineInputs === undefined ? {} : { inlineInputs }) };
    this.#worker?.send({ type: 'lease', id, lease: { job, descriptor, calls, attempt, ...inputs } });
  }

  #startWorker(): void {
    const worker: ReferenceWorker = new ReferenceWorker(this.#deps, this.#options.workerProcesses, (message) => {
      if (this.#worker === worker) this.#receive(message);
    });
    this.#worker = worker;
    void worker.ended.then((reason) => this.#workerEnded(worker, reason));
  }

  #receive(message: FromWorker): void {
    if (message.type === 'capacity') {
      if (!this.#isReady && message.calls > 0) this.#workerReady();
      this.#capacity = message.calls;
      return this.#dispatch();
    }
    const lease = this.#leases.get(message.id) as Lease;
    if (message.type === 'started') return void lease.started.add(message.callId);
    lease.unanswered.delete(message.callId);
    if (lease.unanswered.size === 0) this.#leases.delete(message.id);
    if (message.type === 'given-back') this.#settle(lease, [message.callId], message.reason);
    if (lease.unanswered.size === 0) this.#forgetEnded();
    this.#dispatch();
  }

  /** The worker keeps functions and inputs of a job until it is told that no more of it comes. */
  #forgetEnded(): void {
    const busy = new Set([...this.#leases.values()].map(({ submission }) => formatJobId(submission.job)));
    for (const [key, job] of this.#ended) {
      if (busy.has(key) || this.#queues.has(key)) continue;
      this.#ended.delete(key);
      this.#worker?.send({ type: 'end-job', job });
    }
  }

  #workerReady(): void {
    const { workerId } = this.#worker as ReferenceWorker;
    this.#isReady = true;
    this.#listener?.workerChanged({ workerId, change: 'started', slots: this.#options.workerProcesses });
  }

  #workerEnded({ workerId }: ReferenceWorker, reason: LossReason): void {
    const wasReady = this.#isReady;
    this.#isReady = false;
    this.#failedStarts = wasReady ? 0 : this.#failedStarts + 1;
    this.#capacity = 0;
    this.#worker = undefined;
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    const isStopped = this.#stopping !== undefined;
    const change = isStopped ? { change: 'stopped' as const } : { change: 'lost' as const, reason };
    if (wasReady) this.#listener?.workerChanged({ workerId, ...change });
    if (isStopped) return;
    for (const lease of leases) {
      const open = [...lease.unanswered];
      // Calls that had only waited lose no attempt by it.
      this.#settle(
        lease,
        open.filter((callId) => lease.started.has(callId)),
        reason,
      );
      this.#settle(
        lease,
        open.filter((callId) => !lease.started.has(callId)),
        undefined,
      );
    }
    if (this.#failedStarts >= MAX_FAILED_STARTS) this.#giveUp(reason);
    this.#dispatch();
  }

  /** Calls that came back: those with a reason are lost, the others wait again, in front. */
  #settle({ submission, cancelled }: Lease, callIds: readonly number[], reason: LossReason | undefined): void {
    const { job, attempt } = submission;
    const calls = rangesOf(callIds.filter((callId) => !cancelled.has(callId)));
    if (calls.length === 0 || this.#stopping !== undefined) return;
    if (reason !== undefined) return this.#listener?.callsLost({ job, attempt, calls, reason });
    for (const range of calls.toReversed()) this.#enqueue({ ...submission, calls: range }, 'unshift');
  }

  /** No silent hang: whoever waits is told that no worker starts. The next submission tries again. */
  #giveUp({ message }: LossReason): void {
    this.#failedStarts = 0;
    const reason: LossReason = { kind: 'start-failed', message: `No worker could be started: ${message}.` };
    const waiting = [...this.#queues.values()].flat();
    this.#queues.clear();
    this.#listener?.diagnosis({ severity: 'error', code: 'WORKER_START_FAILED', message: reason.message });
    for (const { job, attempt, calls } of waiting) this.#listener?.callsLost({ job, attempt, calls: [calls], reason });
  }

  #enqueue(submission: CallSubmission, how: 'push' | 'unshift'): void {
    const key = formatJobId(submission.job);
    const queue = this.#queues.get(key) ?? [];
    queue[how](submission);
    this.#queues.set(key, queue);
  }

  #replaceQueue(key: string, queue: CallSubmission[]): void {
    if (queue.length === 0) this.#queues.delete(key);
    else this.#queues.set(key, queue);
  }

  #check({ signal }: OperationOptions): void {
    signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    if (this.#listener === undefined) throw this.#illegal('is not started');
  }

  #illegal(why: string): IllegalStateError {
    const { executorId } = this.#deps;
    return new IllegalStateError('ILLEGAL_STATE', `The reference backend ${why} [executorId=${executorId}].`);
  }
}
// #endregion

const isIn = ({ from, to }: CallRange, callId: number): boolean => from <= callId && callId < to;

const idsOf = ({ from, to }: CallRange): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** The fewest ranges that hold these ascending ids. */
function rangesOf(callIds: readonly number[]): CallRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const callId of callIds) {
    const last = ranges.at(-1);
    if (last?.to === callId) last.to += 1;
    else ranges.push({ from: callId, to: callId + 1 });
  }
  return ranges;
}
