/**
 * Client half: puts calls into their jobs' queues and sees to it that there are workers.
 *
 * The broker has the calls; this client may go and another may attach. What it knows of them is in the {@link JobBook},
 * which reads the pool's log. See docs/backends/k8s-rabbitmq.md for how the parts work together.
 */
import { randomUUID } from 'node:crypto';
import {
  IllegalStateError,
  abortable,
  decodeJobDescriptor,
  formatJobId,
  pause,
  type Backend,
  type BackendDeps,
  type BackendListener,
  type CallRange,
  type CallSubmission,
  type CleanResult,
  type JobRef,
  type OperationOptions,
  type RuntimeInfo,
  type StopOptions,
} from '@splitrock/core/plugin';
import { checkSubmission, type WorkerPool } from '@splitrock/k8s-common';
import { Topology } from './broker/topology.ts';
import { DemandWatch } from './dispatch/demand-watch.ts';
import { PoolClient } from './dispatch/pool-client.ts';
import { callsPerMessage } from './dispatch/range-size.ts';
import type { WorkQueueOptions } from './k8s-rabbitmq-backend-options.ts';
import { encodeCallMessage, narrowMessage, type CallMessage } from './protocol/call-message.ts';
import { cutRanges, rangeSize } from './protocol/call-ranges.ts';

/** A queue that vanishes again and again under a submission is being removed by somebody. */
const MAX_DECLARATIONS = 3;

/** How often a stop looks whether its jobs' calls have ended. */
const LOOK_MS = 50;

/** A job that this client submits to. */
interface OwnJob {
  readonly ref: JobRef;
  readonly chunkSize: number | null;
  /** Settled once its queue is there; `undefined`: to be done. */
  declared: Promise<void> | undefined;
  /** Settled once the log tells of it for good. */
  announced: Promise<void>;
  messages: number;
  calls: number;
}

/** Options of the queue, with the pool's name settled. */
export interface WorkQueueSetup extends WorkQueueOptions {
  readonly pool: string;
}

export class K8sRabbitmqBackend implements Backend {
  readonly name = 'k8s-rabbitmq';
  readonly carriesDescriptor = true;
  readonly #options: WorkQueueSetup;
  readonly #deps: BackendDeps;
  readonly #pool: WorkerPool;
  readonly #topology: Topology;
  readonly #jobs = new Map<string, OwnJob>();
  /** Jobs that this client has ended and whose queue may still be there. */
  readonly #ended = new Map<string, JobRef>();
  #client: PoolClient | undefined;
  #demand: DemandWatch | undefined;
  #lastStampMs = 0;
  #stopping: Promise<void> | undefined;

  constructor(options: WorkQueueSetup, deps: BackendDeps, pool: WorkerPool) {
    this.#options = options;
    this.#deps = deps;
    this.#pool = pool;
    this.#topology = new Topology({ tenant: deps.tenant, pool: options.pool });
  }

  /** Begins to connect; a broker that cannot be reached is told as a diagnosis, and submissions wait for it. */
  async start(listener: BackendListener, options: OperationOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    if (this.#client !== undefined) throw this.#illegal('is started already');
    const client = this.#newClient(listener);
    this.#client = client;
    const { clock, logger } = this.#deps;
    this.#demand = new DemandWatch({
      clock,
      logger,
      model: () => client.model,
      jobs: () => [...this.#jobs.values()].map((job) => this.#watched(job)),
      slots: () => client.roster.slots,
      ensure: (demand) => this.#pool.ensure(demand),
      onLook: () => client.checkWorkers(),
    });
    await Promise.all([client.start(), this.#startPool(client, listener, options)]);
  }

  capacity(): { readonly current: number; readonly max: number } {
    if (this.#stopping !== undefined) return { current: 0, max: 0 };
    const current = this.#client?.roster.slots ?? 0;
    return { current, max: Math.max(current, this.#pool.maxSlots) };
  }

  async runtime(options: OperationOptions = {}): Promise<RuntimeInfo> {
    const client = this.#check(options);
    const runtime = client.roster.runtime();
    if (client.roster.slots === 0) this.#pool.ensure({ slots: 1, jobs: [] });
    return abortable(runtime, options.signal);
  }

  async submit(submission: CallSubmission, options: OperationOptions = {}): Promise<void> {
    const client = this.#check(options);
    checkSubmission(submission);
    await client.patience.patiently(this.#submit(client, submission, options));
  }

  async #submit(client: PoolClient, submission: CallSubmission, options: OperationOptions): Promise<void> {
    const { job: ref, attempt, calls } = submission;
    const job = this.#own(submission);
    await abortable(this.#declare(client, job, submission.descriptor), options.signal);
    const messages = this.#messages(job, submission);
    // Before the first message: a call may be lost sooner than the broker has confirmed it.
    client.book.submit(ref, attempt, calls);
    job.messages += messages.length;
    job.calls += rangeSize(calls);
    await this.#publish(client, job, submission.descriptor, messages);
    await job.announced;
    await client.write({ type: 'submitted', job: ref, calls, attempt });
    this.#demand?.changed([ref], rangeSize(calls));
  }

  async cancel(
    job: JobRef,
    options: OperationOptions & { readonly calls?: readonly CallRange[]; readonly attempt?: number } = {},
  ): Promise<void> {
    const client = this.#check(options);
    await client.patience.shortly(this.#cancel(client, job, 0, options));
  }

  async outstanding(job: JobRef, options: OperationOptions = {}): Promise<readonly CallRange[]> {
    const client = this.#check(options);
    await client.connected(options.signal);
    await client.catchUp();
    return client.book.adopt(job);
  }

  async endJob(job: JobRef, options: OperationOptions = {}): Promise<void> {
    const client = this.#check(options);
    const key = formatJobId(job);
    client.book.unwatch(job);
    if (!this.#jobs.delete(key)) return;
    this.#ended.set(key, job);
    await this.#letGo(() => client.patience.shortly(this.#leave(client, job)));
  }

  async #leave(client: PoolClient, job: JobRef): Promise<void> {
    await client.leaveJob(job);
    await client.write({ type: 'ended', job });
    // Where there is no worker that would do it.
    if (client.roster.slots === 0) await this.#removeIfOver(client, job);
  }

  async clean(
    target: { readonly executorId?: string; readonly job?: JobRef },
    options: OperationOptions = {},
  ): Promise<CleanResult> {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    if (this.#client !== undefined) return this.#cleanWhileStarted(this.#client, target, options);
    const client = this.#newClient(SILENT_LISTENER);
    try {
      await client.start();
      const queues = await this.#clean(client, target, options);
      const { removed } = await this.#pool.clean(options);
      return { removed: { ...removed, queues } };
    } finally {
      await client.close();
    }
  }

  async #cleanWhileStarted(
    client: PoolClient,
    target: { readonly executorId?: string; readonly job?: JobRef },
    options: OperationOptions,
  ): Promise<CleanResult> {
    // A broker that never let this client in has nothing of it.
    if (!client.everConnected && this.#isOwn(target)) return { removed: { queues: 0 } };
    return { removed: { queues: await client.patience.shortly(this.#clean(client, target, options)) } };
  }

  #isOwn({ executorId, job }: { readonly executorId?: string; readonly job?: JobRef }): boolean {
    return (job?.executorId ?? executorId) === this.#deps.executorId;
  }

  /**
   * Cancels what this executor still waits for and lets go of the rest: jobs that were ended run on. Workers that others
   * may use stay. Repeated, it waits for the first stop; a shorter grace reaches the pool.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    if (this.#stopping !== undefined) {
      await Promise.all([this.#pool.stop(options), this.#stopping]);
      return;
    }
    this.#stopping = this.#stop(options);
    await this.#stopping;
  }

  #newClient(listener: BackendListener): PoolClient {
    const { amqp } = this.#options;
    const { executorId, clock, logger } = this.#deps;
    const name = `splitrock executor ${executorId}`;
    return new PoolClient({ amqp, topology: this.#topology, name, clock, logger, listener });
  }

  async #startPool(client: PoolClient, listener: BackendListener, options: OperationOptions): Promise<void> {
    const demandAgain = (): void => this.#demand?.changed([], 0);
    await this.#pool.start(
      {
        diagnosis: (event) => listener.diagnosis(event),
        workerChanged: (change) => {
          if (change.change === 'started') return;
          client.roster.gone(change);
          demandAgain();
        },
      },
      options,
    );
  }

  #check(options: OperationOptions): PoolClient {
    options.signal?.throwIfAborted();
    if (this.#stopping !== undefined) throw this.#illegal('was stopped');
    if (this.#client === undefined) throw this.#illegal('is not started');
    return this.#client;
  }

  #illegal(why: string): IllegalStateError {
    const { executorId } = this.#deps;
    return new IllegalStateError(
      'ILLEGAL_STATE',
      `The k8s-rabbitmq backend ${why} [executorId=${executorId}]; it is started once and not used after its stop.`,
    );
  }

  #own({ job: ref, descriptor }: CallSubmission): OwnJob {
    const key = formatJobId(ref);
    let job = this.#jobs.get(key);
    if (job === undefined) {
      const { chunkSize } = decodeJobDescriptor(descriptor).run;
      job = { ref, chunkSize, declared: undefined, announced: Promise.resolve(), messages: 0, calls: 0 };
      this.#jobs.set(key, job);
      this.#ended.delete(key);
    }
    return job;
  }

  #watched({ ref, calls, messages }: OwnJob): { ref: JobRef; queue: string; callsPerMessage: number } {
    return { ref, queue: this.#topology.jobQueue(ref), callsPerMessage: calls / Math.max(1, messages) };
  }

  /** Once for each job; again when its queue is gone, or the first time failed. */
  #declare(client: PoolClient, job: OwnJob, descriptor: Uint8Array): Promise<void> {
    if (job.declared === undefined) {
      const declared = this.#declareJob(client, job, descriptor);
      job.declared = declared;
      declared.catch(() => (job.declared = undefined));
    }
    return job.declared;
  }

  /**
   * The entry `job` leaves before the first calls do, and workers listen when they read it; nobody waits until it is there
   * for good but `submitted`, which makes the submission binding. If this client dies before, nothing was promised: what
   * the queue has is run when the log tells of the job, and expires with the queue when it does not.
   */
  async #declareJob(client: PoolClient, job: OwnJob, descriptor: Uint8Array): Promise<void> {
    const { ref } = job;
    await client.declareJob(ref);
    job.announced = client.write({ type: 'job', job: ref, weight: this.#options.priority, descriptor });
    // Whoever submits hears of it.
    job.announced.catch(() => undefined);
  }

  #messages(job: OwnJob, submission: CallSubmission): readonly CallMessage[] {
    const { calls, attempt, part, inlineInputs, avoidWorkers, job: ref } = submission;
    const whole: CallMessage = {
      job: ref,
      calls,
      attempt,
      submittedAtMs: this.#stamp(),
      deaths: 0,
      ...(part === undefined ? {} : { part }),
      ...(inlineInputs === undefined ? {} : { inlineInputs }),
      ...(avoidWorkers === undefined || avoidWorkers.length === 0 ? {} : { avoidWorkers }),
    };
    const size = callsPerMessage({
      calls: rangeSize(calls),
      slots: this.capacity().max,
      chunkSize: job.chunkSize,
    });
    return cutRanges([calls], size).map((piece) => narrowMessage(whole, piece));
  }

  async #publish(
    client: PoolClient,
    job: OwnJob,
    descriptor: Uint8Array,
    messages: readonly CallMessage[],
  ): Promise<void> {
    let left = messages;
    for (let tries = 0; left.length > 0; tries += 1) {
      if (tries > 0) {
        if (tries > MAX_DECLARATIONS) throw this.#illegal('cannot keep the job’s queue: somebody removes it');
        job.declared = undefined;
        await this.#declare(client, job, descriptor);
      }
      const outcomes = await Promise.all(left.map((message) => this.#put(client, message)));
      left = left.filter((_, index) => outcomes[index] === 'unroutable');
    }
  }

  #put(client: PoolClient, message: CallMessage): Promise<'stored' | 'unroutable'> {
    const routingKey = this.#topology.jobQueue(message.job);
    return client.publish({ exchange: '', routingKey, content: encodeCallMessage(message), messageId: randomUUID() });
  }

  /** Wall-clock time that never stands still: what is submitted after a cancellation is later than it. */
  #stamp(): number {
    this.#lastStampMs = Math.max(this.#lastStampMs + 0.001, this.#deps.clock.now());
    return this.#lastStampMs;
  }

  async #cancel(
    client: PoolClient,
    job: JobRef,
    graceMs: number,
    target: { readonly calls?: readonly CallRange[]; readonly attempt?: number },
  ): Promise<void> {
    const { calls, attempt } = target;
    const narrowed = { ...(calls === undefined ? {} : { calls }), ...(attempt === undefined ? {} : { attempt }) };
    client.book.cancel(job, narrowed);
    await client.write({ type: 'cancel', job, atMs: this.#stamp(), graceMs, ...narrowed });
  }

  /** Never rejects: the workers of the job, or its expiry, see to it too. */
  async #removeIfOver(client: PoolClient, job: JobRef): Promise<void> {
    try {
      await client.removeIfOver(job);
    } catch (error) {
      this.#deps.logger.debug('The queue of a job could not be removed', { jobId: formatJobId(job), error });
    }
  }

  async #clean(
    client: PoolClient,
    target: { readonly executorId?: string; readonly job?: JobRef },
    options: OperationOptions,
  ): Promise<number> {
    await client.connected(options.signal);
    await client.catchUp();
    const id = target.job === undefined ? undefined : formatJobId(target.job);
    const jobs = [...client.book.jobs()].filter(({ ref }) =>
      id === undefined ? ref.executorId === target.executorId : formatJobId(ref) === id,
    );
    let removed = 0;
    for (const { ref } of jobs) {
      await this.#cancel(client, ref, 0, {});
      removed += await client.remove(ref);
    }
    return removed;
  }

  /** Never rejects. */
  async #stop(options: StopOptions): Promise<void> {
    const client = this.#client;
    await this.#demand?.stop();
    const own = [...this.#jobs.values()].map(({ ref }) => ref);
    if (client?.model !== undefined) {
      const cancelling = this.#cancelAll(client, own, options.graceMs ?? 0);
      await this.#letGo(() => client.whileConnected(cancelling));
      await this.#whileTheyRun(client, own, options.graceMs ?? 0);
    }
    await this.#letGo(() => this.#pool.stop(options));
    if (client === undefined) return;
    await this.#letGo(async () => {
      if (client.model === undefined) return;
      await client.whileConnected(this.#removeAll(client, own));
    });
    client.roster.clear();
    await client.close();
  }

  async #cancelAll(client: PoolClient, jobs: readonly JobRef[], graceMs: number): Promise<void> {
    for (const ref of jobs) {
      client.book.unwatch(ref);
      await this.#cancel(client, ref, graceMs, {});
      await client.leaveJob(ref);
      await client.write({ type: 'ended', job: ref });
    }
  }

  /** Workers that others use outlive this stop, so it waits itself: the last worker to leave a job removes its queue. */
  async #whileTheyRun(client: PoolClient, jobs: readonly JobRef[], graceMs: number): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.now() + graceMs;
    const own = new Set(jobs.map(formatJobId));
    const anyLeft = (): boolean => [...client.book.jobs()].some(({ ref }) => own.has(formatJobId(ref)));
    while (clock.now() < endMs && client.roster.slots > 0 && anyLeft()) {
      await pause(clock, LOOK_MS, { keepAlive: true });
    }
  }

  async #removeAll(client: PoolClient, own: readonly JobRef[]): Promise<void> {
    for (const ref of own) await client.remove(ref);
    for (const ref of this.#ended.values()) await client.removeIfOver(ref);
  }

  /** One step of the stop; without a broker, it is left out. */
  async #letGo(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#deps.logger.warn('The backend could not let go of its work in the broker', { error });
    }
  }
}

const SILENT_LISTENER: BackendListener = {
  callsLost() {},
  statusPublished() {},
  diagnosis() {},
  workerChanged() {},
};
