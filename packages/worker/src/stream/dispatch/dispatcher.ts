/**
 * Decides which calls each worker gets, and what becomes of them when it answers or dies.
 *
 * A pure state machine: {@link Dispatcher.handle} takes an event and returns what its shell must do, in order. A job of
 * a million calls is one entry here; calls are cut off in ranges as workers have room. Jobs share the workers by calls
 * in flight: the job with the fewest gets the next ones, at the worker that is least busy for its size.
 */
import { formatJobId, type CallRange, type CallsLostEvent, type JobRef, type LossReason } from '@splitrock/core/plugin';
import type {
  CancelTarget,
  DispatchEvent,
  DispatchInstruction,
  DispatchMessage,
  WorkerAnswer,
} from './dispatch-events.ts';
import { FairQueue } from './fair-queue.ts';
import { HeldLease } from './held-lease.ts';
import { JobQueue } from './job-queue.ts';
import type { KeptSubmission, QueuedCalls } from './queued-calls.ts';
import { WorkerLoad, leastBusy } from './worker-load.ts';

const EVERY_CALL: readonly CallRange[] = [{ from: 0, to: Number.MAX_SAFE_INTEGER }];
/** With several workers each gets its room filled in so many steps: the few calls of a small job spread over all. */
const STEPS = 8;

export class Dispatcher {
  readonly #jobs = new Map<string, JobQueue>();
  /** Jobs with waiting calls, by calls in flight. */
  readonly #waiting = new FairQueue<JobQueue>();
  readonly #workers = new Map<string, WorkerLoad>();
  #expectedSlots = 0;
  #lastLeaseId = 0;
  #stopped = false;
  #instructions: DispatchInstruction[] = [];

  /** Whether calls wait or are held: there is something for a worker to do. */
  get hasWork(): boolean {
    return this.#waiting.size > 0 || [...this.#workers.values()].some(({ heldCalls }) => heldCalls > 0);
  }

  handle(event: DispatchEvent): readonly DispatchInstruction[] {
    switch (event.type) {
      case 'submitted':
        this.#submit(event.submission);
        break;
      case 'cancelled':
        this.#cancel(event.target);
        break;
      case 'job-ended':
        this.#endJob(event.job);
        break;
      case 'worker-connected':
        this.#workers.set(event.workerId, new WorkerLoad(event.workerId, event.slots));
        break;
      case 'slots-expected':
        this.#expectedSlots = event.slots;
        break;
      case 'worker-capacity':
        this.#setCapacity(event.workerId, event.calls);
        break;
      case 'worker-answered':
        for (const answer of event.answers) this.#answer(event.workerId, answer);
        break;
      case 'worker-gone':
        this.#abandonHeld(event.workerId, event.reason);
        break;
      case 'start-failed':
        this.#abandonWaiting(event.reason);
        break;
      case 'stopped':
        this.#stopped = true;
        break;
    }
    if (!this.#stopped) this.#deliver();
    const instructions = this.#instructions;
    this.#instructions = [];
    return instructions;
  }

  #submit(of: KeptSubmission): void {
    const { job, descriptor, calls } = of.submission;
    const id = formatJobId(job);
    let queue = this.#jobs.get(id);
    if (queue === undefined) this.#jobs.set(id, (queue = new JobQueue(job, descriptor)));
    queue.append({ of, calls });
    this.#settle(queue);
  }

  #cancel(target: CancelTarget): void {
    const queue = this.#jobs.get(formatJobId(target.job));
    if (queue === undefined) return;
    queue.drop(target.calls, target.attempt);
    for (const worker of this.#workers.values()) {
      let anyHeld = false;
      for (const lease of this.#leasesOf(worker, queue, target.attempt)) {
        for (const range of target.calls ?? EVERY_CALL) anyHeld = lease.cancel(range) || anyHeld;
      }
      if (anyHeld) this.#send(worker, { type: 'cancel', target });
    }
    this.#settle(queue);
  }

  #endJob(job: JobRef): void {
    const queue = this.#jobs.get(formatJobId(job));
    if (queue === undefined) return;
    queue.ended = true;
    this.#settle(queue);
  }

  #setCapacity(workerId: string, calls: number): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) worker.capacity = calls;
  }

  #answer(workerId: string, { type, leaseId, calls, reason }: WorkerAnswer): void {
    const worker = this.#workers.get(workerId);
    const lease = worker?.held.get(leaseId);
    if (worker === undefined || lease === undefined) return;
    if (type === 'started') {
      lease.start(calls);
      return;
    }
    const before = lease.size;
    const wanted = lease.answer(calls);
    const queue = this.#queueOf(lease);
    queue.inFlight -= before - lease.size;
    worker.heldCalls -= before - lease.size;
    if (lease.size === 0) worker.held.delete(leaseId);
    if (type === 'given-back') {
      if (reason === undefined) queue.prepend(wanted.map((range) => ({ of: lease.queued.of, calls: range })));
      else this.#reportLost(lease.queued.of, wanted, reason);
    }
    this.#settle(queue);
  }

  #abandonHeld(workerId: string, reason: LossReason): void {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return;
    this.#workers.delete(workerId);
    // The latest lease first: each puts its calls before those that are there, so that the old order comes about.
    for (const lease of [...worker.held.values()].toReversed()) {
      const queue = this.#queueOf(lease);
      const { of } = lease.queued;
      queue.inFlight -= lease.size;
      const { ran, waited } = lease.abandon();
      queue.prepend(waited.map((calls) => ({ of, calls })));
      this.#reportLost(of, ran, reason);
      this.#settle(queue);
    }
  }

  #abandonWaiting(reason: LossReason): void {
    for (const queue of this.#jobs.values()) {
      for (const { of, calls } of queue.drain()) this.#reportLost(of, [calls], reason);
      this.#settle(queue);
    }
  }

  #reportLost(of: KeptSubmission, calls: readonly CallRange[], reason: LossReason): void {
    if (calls.length === 0) return;
    const { job, attempt } = of.submission;
    const event: CallsLostEvent = { job, attempt, calls, reason };
    this.#instructions.push({ type: 'report-lost', event });
  }

  /** Hands out calls while a worker has room: first to those with free slots, then in advance. */
  #deliver(): void {
    while (this.#deliverOne(false));
    while (this.#mayDeliverInAdvance() && this.#deliverOne(true));
  }

  #deliverOne(inAdvance: boolean): boolean {
    const worker = leastBusy(this.#workers.values(), inAdvance);
    const turn = worker === undefined ? undefined : this.#waiting.next(this.#stepOf(worker, inAdvance));
    if (worker === undefined || turn === undefined) return false;
    const { member, share } = turn;
    const taker = this.#unavoided(worker, member, inAdvance);
    this.#lease(taker, member, member.take(Math.min(share, this.#stepOf(taker, inAdvance))) as QueuedCalls);
    this.#settle(member);
    return true;
  }

  /**
   * The last calls, as many as can run at once, are kept for slots that fall free: given in advance, a call might wait
   * behind a long one while another worker has nothing to do, or one that is still starting.
   */
  #mayDeliverInAdvance(): boolean {
    if (this.#expectedSlots === 0) return true;
    let waiting = 0;
    for (const queue of this.#waiting.members) if ((waiting += queue.size) > this.#expectedSlots) return true;
    return false;
  }

  #stepOf(worker: WorkerLoad, inAdvance: boolean): number {
    const room = worker.room(inAdvance);
    return this.#workers.size > 1 ? Math.ceil(room / STEPS) : room;
  }

  /** Another worker with room where the job's next calls should rather not go to this one. */
  #unavoided(worker: WorkerLoad, queue: JobQueue, inAdvance: boolean): WorkerLoad {
    const avoided = queue.first?.of.submission.avoidWorkers;
    if (avoided?.includes(worker.workerId) !== true) return worker;
    const others = [...this.#workers.values()].filter(({ workerId }) => !avoided.includes(workerId));
    return leastBusy(others, inAdvance) ?? worker;
  }

  #lease(worker: WorkerLoad, queue: JobQueue, queued: QueuedCalls): void {
    const { job, descriptor } = queue;
    if (!worker.described.has(queue)) {
      worker.described.add(queue);
      this.#send(worker, { type: 'job', job, descriptor });
    }
    const lease = new HeldLease((this.#lastLeaseId += 1), queued);
    worker.held.set(lease.leaseId, lease);
    queue.inFlight += lease.size;
    worker.heldCalls += lease.size;
    const { attempt, part } = queued.of.submission;
    const inlineInputs = queued.of.inlineInputs(queued.calls);
    this.#send(worker, {
      type: 'lease',
      leaseId: lease.leaseId,
      job,
      calls: queued.calls,
      attempt,
      ...(part === undefined ? {} : { part }),
      ...(inlineInputs === undefined ? {} : { inlineInputs }),
    });
  }

  /** Gives a job its place in the line after something about it changed, or forgets it when all is over. */
  #settle(queue: JobQueue): void {
    if (!queue.isEmpty) {
      this.#waiting.set(queue, queue.inFlight);
      return;
    }
    this.#waiting.delete(queue);
    if (!queue.ended || queue.inFlight > 0) return;
    this.#jobs.delete(formatJobId(queue.job));
    for (const worker of this.#workers.values()) {
      if (worker.described.delete(queue)) this.#send(worker, { type: 'end-job', job: queue.job });
    }
  }

  #queueOf(lease: HeldLease): JobQueue {
    return this.#jobs.get(formatJobId(lease.queued.of.submission.job)) as JobQueue;
  }

  #send({ workerId }: WorkerLoad, message: DispatchMessage): void {
    this.#instructions.push({ type: 'send', workerId, message });
  }

  *#leasesOf(worker: WorkerLoad, queue: JobQueue, attempt: number | undefined): Iterable<HeldLease> {
    for (const lease of worker.held.values()) {
      if (this.#queueOf(lease) !== queue) continue;
      if (attempt === undefined || lease.queued.of.submission.attempt === attempt) yield lease;
    }
  }
}
