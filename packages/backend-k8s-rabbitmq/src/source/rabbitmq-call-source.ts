/**
 * Worker half: takes calls from the queues of the pool's jobs.
 *
 * The shell around three things that decide: the {@link SeatPlan} (on which queues to listen), the {@link CallIntake} (what
 * becomes of a message), and the pool's log, which tells of jobs, cancellations and ends. Connections come and go beneath;
 * calls that run when one goes run on, and are matched with their messages when those come again.
 */
import type { ChannelModel } from 'amqplib';
import {
  IllegalStateError,
  formatJobId,
  type CallReceiver,
  type CallSource,
  type ClockTimer,
  type JobRef,
  type StatusEvent,
  type WorkerDeps,
} from '@splitrock/core/plugin';
import { BrokerConnection } from '../broker/broker-connection.ts';
import { troubleError, type BrokerTrouble } from '../broker/broker-trouble.ts';
import { ConfirmedPublisher } from '../broker/confirmed-publisher.ts';
import { removeIfOver } from '../broker/job-removal.ts';
import { PoolLog } from '../broker/pool-log.ts';
import { leavePool } from '../broker/pool-removal.ts';
import { Presence, isAnyonePresent, jobKey, workerKey } from '../broker/presence.ts';
import { SpareChannel } from '../broker/spare-channel.ts';
import { Topology } from '../broker/topology.ts';
import type { RabbitmqSourceOptions } from '../k8s-rabbitmq-backend-options.ts';
import { Cancellations } from '../protocol/cancellations.ts';
import { encodeCallMessage } from '../protocol/call-message.ts';
import type { CancelEntry, LogEntry } from '../protocol/log-entry.ts';
import { CallIntake, type PutBack } from './call-intake.ts';
import { CallPace } from './call-pace.ts';
import { DeathRecord } from './death-record.ts';
import { JobConsumers, type Delivery } from './job-consumers.ts';
import { LongCalls } from './long-calls.ts';
import { SeatPlan, type SeatEvent, type SeatInstruction } from './seat-plan.ts';

/** How often calls that wait here are looked at, while there are some. */
const SHED_MS = 250;
/** A worker that cannot reach the broker for so long after its start gives up; the pool tells why. */
const START_TIMEOUT_MS = 60_000;

interface SourceJob {
  readonly ref: JobRef;
  readonly key: string;
  readonly cancellations: Cancellations;
  descriptor: Uint8Array | undefined;
  ended: boolean;
  retiring: boolean;
  consumers: JobConsumers | undefined;
}

export class RabbitmqCallSource implements CallSource {
  readonly #options: RabbitmqSourceOptions;
  readonly #deps: WorkerDeps;
  readonly #topology: Topology;
  readonly #connection: BrokerConnection;
  readonly #publisher: ConfirmedPublisher;
  readonly #presence: Presence;
  readonly #log: PoolLog;
  readonly #spareChannel = new SpareChannel();
  readonly #plan = new SeatPlan();
  readonly #pace: CallPace;
  readonly #deaths: DeathRecord;
  readonly #intake: CallIntake;
  readonly #longCalls: LongCalls;
  readonly #jobs = new Map<string, SourceJob>();
  readonly #peers = new Set<string>();
  readonly #graces = new Set<ClockTimer>();
  #model: ChannelModel | undefined;
  #receiver: CallReceiver | undefined;
  #capacity = 0;
  /** In messages, as the plan was told. */
  #room = 0;
  #caughtUp = false;
  #lostOnce = false;
  #started: { resolve(): void; reject(error: Error): void } | undefined;
  #tick: { readonly atMs: number; readonly timer: ClockTimer } | undefined;
  #shed: ClockTimer | undefined;
  #idle: ClockTimer | undefined;
  #stopped = false;

  constructor(options: RabbitmqSourceOptions, deps: WorkerDeps) {
    const { clock, logger, tenant, workerId } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#topology = new Topology({ tenant, pool: options.pool });
    this.#publisher = new ConfirmedPublisher(clock);
    this.#presence = new Presence(this.#topology);
    this.#log = new PoolLog({
      topology: this.#topology,
      publisher: this.#publisher,
      logger,
      onEntry: (entry) => this.#onEntry(entry),
    });
    this.#pace = new CallPace(this.#slots);
    this.#connection = new BrokerConnection(
      {
        url: options.amqp.workerUrl ?? options.amqp.url,
        options: options.amqp,
        name: `splitrock worker ${workerId}`,
        clock,
        logger,
      },
      {
        onSession: (model) => this.#onSession(model),
        onLost: () => this.#onLost(),
        onTrouble: (trouble) => this.#onTrouble(trouble),
      },
    );
    this.#deaths = new DeathRecord({
      workerId,
      clock,
      write: (entry) => this.#log.write(entry),
      catchUp: () => this.#log.catchUp(),
      isPresent: (id) => isAnyonePresent(this.#topology, this.#publisher, workerKey(id)),
    });
    this.#intake = new CallIntake(
      {
        workerId,
        maxDeaths: options.maxDeaths,
        pace: this.#pace,
        clock,
        logger,
        job: (ref) => this.#jobs.get(formatJobId(ref)),
        hasPeers: () => this.#peers.size > 0,
        putBack: (job, messages) => this.#putBack(job, messages),
        reportLost: (entry) => this.#log.write(entry),
        enter: (job, message) => this.#deaths.enter(job, message),
      },
      {
        onTaken: ({ grant }) => this.#advance({ type: 'delivered', grant }),
        onReleased: (delivery) => this.#released(delivery),
        onEmpty: () => this.#restless(),
      },
    );
    this.#longCalls = new LongCalls({
      topology: this.#topology,
      workerId,
      consumerTimeoutMs: options.consumerTimeoutSeconds * 1_000,
      publisher: this.#publisher,
      clock,
      logger,
      held: () => this.#intake.held(),
      enter: async (held) => held.recorded(await this.#deaths.enter(held.message.job, held.id)),
      announce: (job) => this.#log.write({ type: 'kept', job, workerId }),
    });
  }

  async start(receiver: CallReceiver): Promise<void> {
    const { clock } = this.#deps;
    this.#receiver = receiver;
    this.#intake.start(receiver);
    const first = new Promise<void>((resolve, reject) => (this.#started = { resolve, reject }));
    const timeout = clock.setTimer(
      () => this.#started?.reject(new Error('no connection to the broker')),
      START_TIMEOUT_MS,
      { keepAlive: true },
    );
    await this.#connection.start();
    try {
      await first;
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      timeout.cancel();
      this.#started = undefined;
    }
  }

  setCapacity(calls: number): void {
    this.#capacity = calls;
    this.#intake.setCapacity(calls);
    this.#tellRoom();
  }

  /** How long calls ran, only their status tells: many are handed to a slot at once, and many are answered for at once. */
  published(_job: JobRef, events: readonly StatusEvent[]): void {
    for (const event of events) {
      if (event.type === 'finished') this.#pace.ended(event.finishedAtMs - event.startedAtMs);
    }
  }

  async flush(): Promise<void> {
    // Without a connection, everything unanswered is the broker's already.
    if (this.#connection.connected) await this.#intake.flush();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of [this.#tick?.timer, this.#shed, this.#idle, ...this.#graces]) timer?.cancel();
    this.#longCalls.stop();
    this.#deaths.close();
    if (this.#connection.connected) await this.#farewell();
    const { workerId } = this.#deps;
    this.#publisher.close(new IllegalStateError('ILLEGAL_STATE', `The worker has stopped [workerId=${workerId}].`));
    await this.#connection.close();
  }

  get #slots(): number {
    const { workerProcesses, callsPerProcess } = this.#deps.slots ?? { workerProcesses: 1, callsPerProcess: 1 };
    return workerProcesses * callsPerProcess;
  }

  /** Clients leave before their workers, as a rule: the last worker then removes what the pool has in the broker. */
  async #farewell(): Promise<void> {
    try {
      await this.#log.write({ type: 'worker-stopped', workerId: this.#deps.workerId });
      await this.#log.catchUp();
      const ended = [...this.#jobs.values()].filter((job) => job.ended);
      await Promise.all(ended.map((job) => this.#retire(job)));
      const model = this.#model;
      const deps = {
        topology: this.#topology,
        publisher: this.#publisher,
        presence: this.#presence,
        log: this.#log,
      };
      if (model !== undefined) await leavePool(model, deps, () => this.#jobs.size > 0);
    } catch (error) {
      this.#deps.logger.debug('The broker went away before the worker had left', { error });
    }
  }

  async #onSession(model: ChannelModel): Promise<void> {
    const { workerId, runtime = { nodeVersion: process.versions.node } } = this.#deps;
    if (this.#lostOnce) this.#deaths.reconnected();
    await this.#publisher.attach(model);
    // Seen before it reads: nobody then takes the log away as that of a pool that nobody uses.
    await this.#presence.attach(model);
    await this.#log.attach(model);
    await this.#presence.enter(workerKey(workerId));
    // Not before all cancellations are known: what was cancelled is not to begin.
    await this.#log.catchUp();
    await this.#log.write({ type: 'worker-started', workerId, slots: this.#slots, runtime });
    this.#spareChannel.prepare(model);
    this.#model = model;
    this.#caughtUp = true;
    this.#tellRoom();
    this.#restless();
    this.#started?.resolve();
  }

  #onLost(): void {
    this.#model = undefined;
    this.#publisher.detach();
    this.#intake.void(() => true);
    for (const job of this.#jobs.values()) {
      void job.consumers?.dispose();
      job.consumers = undefined;
    }
    this.#caughtUp = false;
    this.#lostOnce = true;
    this.#advance({ type: 'disconnected' });
    this.#tellRoom();
  }

  #onTrouble(trouble: BrokerTrouble): void {
    if (trouble.refused) this.#started?.reject(troubleError(trouble));
    else this.#deps.logger.warn('The broker cannot be reached', { why: trouble.message });
  }

  #onEntry(entry: LogEntry): void {
    this.#deaths.read(entry);
    switch (entry.type) {
      case 'job': {
        const job = this.#job(entry.job);
        job.descriptor = entry.descriptor.length > 0 ? entry.descriptor : undefined;
        job.ended = false;
        return this.#advance({ type: 'job', job: job.key, weight: entry.weight });
      }
      case 'submitted':
      case 'returned':
        return this.#advance({ type: 'work', job: formatJobId(entry.job) });
      case 'cancel':
        return this.#cancel(entry);
      case 'ended':
        this.#job(entry.job).ended = true;
        this.#advance({ type: 'ended', job: formatJobId(entry.job) });
        return this.#restless();
      case 'removed': {
        const job = this.#jobs.get(formatJobId(entry.job));
        return job === undefined ? undefined : this.#forget(job);
      }
      case 'worker-started':
        if (entry.workerId !== this.#deps.workerId) this.#peers.add(entry.workerId);
        return;
      case 'worker-stopped':
        this.#peers.delete(entry.workerId);
        return;
      case 'lost':
      case 'held':
      case 'kept':
        return;
    }
  }

  #job(ref: JobRef): SourceJob {
    const key = formatJobId(ref);
    let job = this.#jobs.get(key);
    if (job === undefined) {
      const cancellations = new Cancellations();
      job = { ref, key, cancellations, descriptor: undefined, ended: false, retiring: false, consumers: undefined };
      this.#jobs.set(key, job);
    }
    return job;
  }

  #cancel(entry: CancelEntry): void {
    const { job: ref, calls, attempt, graceMs } = entry;
    const { cancellations } = this.#job(ref);
    cancellations.add(entry);
    this.#intake.cancelled(ref, cancellations);
    const target = {
      job: ref,
      ...(calls === undefined ? {} : { calls }),
      ...(attempt === undefined ? {} : { attempt }),
    };
    const stop = (): void => this.#receiver?.cancel(target);
    if (graceMs <= 0) stop();
    else {
      const timer: ClockTimer = this.#deps.clock.setTimer(() => {
        this.#graces.delete(timer);
        stop();
      }, graceMs);
      this.#graces.add(timer);
    }
  }

  /** The job is over for this worker, and so is its queue. */
  #forget(job: SourceJob): void {
    if (!this.#drop(job)) return;
    void job.consumers?.dispose();
    void this.#presence.leave(jobKey(job.ref));
  }

  /** From here on the job is unknown; said once more, it is a new one. */
  #drop(job: SourceJob): boolean {
    if (this.#jobs.get(job.key) !== job) return false;
    this.#jobs.delete(job.key);
    this.#voidDeliveriesOf(job);
    this.#advance({ type: 'gone', job: job.key });
    this.#receiver?.endJob(job.ref);
    return true;
  }

  #voidDeliveriesOf({ consumers }: SourceJob): void {
    this.#intake.void((delivery) => delivery.consumers === consumers);
  }

  #tellRoom(): void {
    const ready = this.#caughtUp && this.#capacity > 0;
    const messages = ready ? Math.max(0, this.#pace.messages - this.#intake.uncountedMessages) : 0;
    if (messages === this.#room) return;
    this.#room = messages;
    this.#advance({ type: 'room', messages });
  }

  #advance(event: SeatEvent): void {
    if (this.#stopped) return;
    const { clock } = this.#deps;
    for (const instruction of this.#plan.handle(event, clock.now())) this.#perform(instruction);
    this.#schedule();
  }

  #perform(instruction: SeatInstruction): void {
    if (instruction.type === 'shed') return this.#intake.shedJob(instruction.job);
    if (instruction.type === 'close') {
      for (const job of this.#jobs.values()) if (job.consumers?.close(instruction.grant) === true) return;
      return;
    }
    const job = this.#jobs.get(instruction.job);
    if (job === undefined) return;
    if (instruction.type === 'look') this.#look(job);
    else this.#consumersOf(job)?.open(instruction.grant, instruction.messages);
  }

  #look(job: SourceJob): void {
    const looking = this.#consumersOf(job)?.takeOne();
    looking?.then(
      (found) => {
        this.#tellRoom();
        this.#advance({ type: 'looked', job: job.key, found });
        if (!found && job.ended && this.#plan.isIdle(job.key)) void this.#retireOnce(job, async () => false);
      },
      // Its channel has ended, which is told elsewhere.
      () => undefined,
    );
  }

  #consumersOf(job: SourceJob): JobConsumers | undefined {
    if (this.#model === undefined) return undefined;
    job.consumers ??= new JobConsumers(
      this.#spareChannel.take(this.#model),
      this.#topology.jobQueue(job.ref),
      this.#presence.enter(jobKey(job.ref)),
      {
        onOpened: (grant) => this.#advance({ type: 'opened', grant }),
        onClosed: (grant) => this.#advance({ type: 'closed', grant }),
        onDelivery: (delivery) => this.#delivered(delivery),
        onEnd: ({ missing, message }) => this.#consumersEnded(job, missing, message),
      },
    );
    return job.consumers;
  }

  #delivered(delivery: Delivery): void {
    this.#idle?.cancel();
    this.#idle = undefined;
    this.#intake.take(delivery);
    this.#longCalls.watch();
    this.#watchBacklog();
  }

  #released(delivery: Delivery): void {
    delivery.consumers.acknowledge(delivery);
    this.#advance({ type: 'released', grant: delivery.grant });
    this.#tellRoom();
  }

  #consumersEnded(job: SourceJob, missing: boolean, message: string): void {
    this.#deps.logger.debug('The broker ended a job’s channel', { jobId: job.key, message });
    this.#voidDeliveriesOf(job);
    job.consumers = undefined;
    if (missing) return this.#forget(job);
    this.#advance({ type: 'gone', job: job.key });
    this.#advance({ type: 'job', job: job.key, weight: 1 });
    this.#tellRoom();
  }

  async #putBack(job: JobRef, messages: readonly PutBack[]): Promise<void> {
    const routingKey = this.#topology.jobQueue(job);
    await Promise.all(
      messages.map(({ id, message }) =>
        this.#publisher.publish({ exchange: '', routingKey, content: encodeCallMessage(message), messageId: id }),
      ),
    );
    await this.#log.write({ type: 'returned', job });
  }

  /** Nothing may be left to do: jobs that ended go, and after a while this worker. */
  #restless(): void {
    if (this.#stopped) return;
    for (const job of this.#jobs.values()) {
      if (job.ended && this.#plan.isIdle(job.key)) void this.#retireOnce(job, async () => job.consumers?.takeOne());
    }
    const { idleTimeoutSeconds } = this.#options;
    if (!this.#intake.isEmpty || this.#idle !== undefined || idleTimeoutSeconds === undefined) return;
    this.#idle = this.#deps.clock.setTimer(
      () => this.#receiver?.shutdown({ graceMs: 0, reason: `nothing to do for ${idleTimeoutSeconds} s` }),
      idleTimeoutSeconds * 1_000,
    );
  }

  /** Leaves a job that has ended if `look` finds its queue empty; the last one to leave removes the queue. */
  async #retireOnce(job: SourceJob, look: () => Promise<boolean | undefined>): Promise<void> {
    if (job.retiring) return;
    job.retiring = true;
    try {
      if ((await look()) === true) return this.#advance({ type: 'work', job: job.key });
      if (!job.ended || !this.#plan.isIdle(job.key)) return;
      await this.#retire(job);
    } catch (error) {
      this.#deps.logger.debug('A job could not be left', { jobId: job.key, error });
    } finally {
      job.retiring = false;
    }
  }

  /**
   * What is un-acknowledged goes back before the worker is seen to leave, and it is not seen any more before it asks whether
   * anybody is: of those who leave at the same time, the last one to ask removes the queue.
   */
  async #retire(job: SourceJob): Promise<void> {
    const model = this.#model;
    if (!this.#drop(job)) return;
    try {
      await job.consumers?.removeKept();
    } finally {
      await job.consumers?.dispose();
      // Somebody may have submitted to it again meanwhile.
      if (!this.#jobs.has(job.key)) await this.#presence.leave(jobKey(job.ref));
    }
    const deps = { topology: this.#topology, publisher: this.#publisher, log: this.#log };
    if (model !== undefined && !this.#jobs.has(job.key)) await removeIfOver(model, deps, job.ref);
  }

  #watchBacklog(): void {
    if (this.#shed !== undefined || !this.#intake.hasBacklog) return;
    this.#shed = this.#deps.clock.setTimer(() => {
      this.#shed = undefined;
      this.#intake.shed();
      this.#watchBacklog();
    }, SHED_MS);
  }

  #schedule(): void {
    const { dueMs } = this.#plan;
    if (this.#tick !== undefined && this.#tick.atMs === dueMs) return;
    this.#tick?.timer.cancel();
    this.#tick = undefined;
    if (dueMs === undefined) return;
    const { clock } = this.#deps;
    const timer = clock.setTimer(() => {
      this.#tick = undefined;
      this.#advance({ type: 'tick' });
      this.#restless();
    }, dueMs - clock.now());
    this.#tick = { atMs: dueMs, timer };
  }
}
