/**
 * A client's side of a pool in the broker: the connection and what lives on it, the log, the book of jobs, the roster of
 * workers. Tells waiting users of trouble with the broker, and when it is over.
 */
import type { ChannelModel } from 'amqplib';
import {
  BackendError,
  IllegalStateError,
  abortable,
  type BackendDiagnosis,
  type BackendListener,
  type Clock,
  type ClockTimer,
  type JobRef,
  type Logger,
} from '@splitrock/core/plugin';
import { WorkerRoster } from '@splitrock/k8s-common';
import type { AmqpOptions } from '../broker/amqp-options.ts';
import { BrokerConnection } from '../broker/broker-connection.ts';
import { troubleDiagnosis, troubleError, type BrokerTrouble } from '../broker/broker-trouble.ts';
import { ConfirmedPublisher, type OutgoingMessage, type PublishOutcome } from '../broker/confirmed-publisher.ts';
import { removeIfOver, removeJob } from '../broker/job-removal.ts';
import { PoolLog } from '../broker/pool-log.ts';
import { leavePool } from '../broker/pool-removal.ts';
import { Presence, isAnyonePresent, jobKey, workerKey } from '../broker/presence.ts';
import { SharedChannel } from '../broker/shared-channel.ts';
import type { Topology } from '../broker/topology.ts';
import type { LogEntry, WorkerStarted } from '../protocol/log-entry.ts';
import { BrokerPatience } from './broker-patience.ts';
import { JobBook } from './job-book.ts';

/** A connection that is back sooner is not worth a word. */
const TELL_AFTER_MS = 2_000;
const CHECK_WORKERS_MS = 5_000;

export interface PoolClientDeps {
  readonly amqp: AmqpOptions;
  readonly topology: Topology;
  /** For the broker's list of connections. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listener: BackendListener;
}

export class PoolClient {
  readonly book = new JobBook();
  readonly roster: WorkerRoster;
  readonly patience: BrokerPatience;
  readonly #deps: PoolClientDeps;
  readonly #connection: BrokerConnection;
  readonly #publisher: ConfirmedPublisher;
  readonly #presence: Presence;
  readonly #log: PoolLog;
  readonly #declarations = new SharedChannel();
  /** Workers that the log named before it was read to its end; some are long gone. */
  #named: Map<string, WorkerStarted> | undefined = new Map();
  #model: ChannelModel | undefined;
  #trouble: BrokerTrouble | undefined;
  #told: BrokerTrouble | undefined;
  #tell: ClockTimer | undefined;
  #everConnected = false;
  #checkedAtMs = 0;
  #closed = false;
  readonly #onceLost = new Set<() => void>();
  #waiting: { resolve(model: ChannelModel): void; reject(error: Error): void }[] = [];

  constructor(deps: PoolClientDeps) {
    const { amqp, topology, name, clock, logger, listener } = deps;
    this.#deps = deps;
    this.roster = new WorkerRoster(listener);
    this.patience = new BrokerPatience(clock, () => this.#awayError());
    this.#publisher = new ConfirmedPublisher(clock);
    this.#presence = new Presence(topology);
    this.#log = new PoolLog({ topology, publisher: this.#publisher, logger, onEntry: (entry) => this.#onEntry(entry) });
    this.#connection = new BrokerConnection(
      { url: amqp.url, options: amqp, name, clock, logger },
      {
        onSession: (model) => this.#onSession(model),
        onLost: () => this.#onLost(),
        onTrouble: (trouble) => this.#onTrouble(trouble),
      },
    );
  }

  /** The present connection, when there is one. */
  get model(): ChannelModel | undefined {
    return this.#model;
  }

  /** Whether anything of this client's can be in the broker. */
  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** Begins to connect. Resolves after the first attempt, however it ended. */
  start(): Promise<void> {
    return this.#connection.start();
  }

  /**
   * The present connection, once there is one.
   * @throws BackendError `BACKEND_UNAVAILABLE` when the broker refuses us and never did otherwise.
   */
  async connected(signal?: AbortSignal): Promise<ChannelModel> {
    if (this.#closed) throw closedError();
    if (this.#model !== undefined) return this.#model;
    if (this.#trouble?.refused === true && !this.#everConnected) throw troubleError(this.#trouble);
    const model = new Promise<ChannelModel>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return abortable(model, signal);
  }

  /** The work's result, unless the connection goes first. */
  async whileConnected<Result>(work: Promise<Result>): Promise<Result> {
    let fail: () => void = () => undefined;
    const lost = new Promise<never>((_resolve, reject) => {
      fail = () => reject(new Error('the connection to the broker was lost'));
    });
    this.#onceLost.add(fail);
    try {
      return await Promise.race([work, lost]);
    } finally {
      this.#onceLost.delete(fail);
    }
  }

  /** The job has its queue after this, and the queue stays while this client is there and has not left the job. */
  async declareJob(job: JobRef, signal?: AbortSignal): Promise<void> {
    const model = await this.connected(signal);
    const channel = this.#declarations.of(model);
    const declared = channel.then((opened) => this.#deps.topology.declareJob(opened, job));
    await Promise.all([this.#presence.enter(jobKey(job)), declared]);
  }

  publish(message: OutgoingMessage): Promise<PublishOutcome> {
    return this.#publisher.publish(message);
  }

  write(entry: LogEntry): Promise<void> {
    return this.#log.write(entry);
  }

  /** Resolves once all that was in the log is known here. */
  catchUp(): Promise<void> {
    return this.#log.catchUp();
  }

  async leaveJob(job: JobRef): Promise<void> {
    await this.#presence.leave(jobKey(job));
  }

  async removeIfOver(job: JobRef): Promise<boolean> {
    return removeIfOver(await this.connected(), this.#removal, job);
  }

  async remove(job: JobRef): Promise<number> {
    return removeJob(await this.connected(), this.#removal, job);
  }

  /** Drops workers that are gone without a word; looks every few seconds at most. */
  async checkWorkers(): Promise<void> {
    const nowMs = this.#deps.clock.now();
    if (nowMs < this.#checkedAtMs + CHECK_WORKERS_MS) return;
    this.#checkedAtMs = nowMs;
    for (const workerId of this.roster.ids) {
      if (await this.#isPresent(workerId)) continue;
      const message = `worker ${workerId} has lost its connection to the broker`;
      this.roster.gone({ workerId, change: 'lost', reason: { kind: 'worker-lost', message, workerId } });
    }
  }

  /** Leaves the pool, and removes what it has in the broker if nobody else is there and no job is left. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const model = this.#model;
    if (model !== undefined && this.#connection.connected) {
      await this.whileConnected(this.#leave(model)).catch((error: unknown) =>
        this.#deps.logger.debug('The broker went away before the client had left', { error }),
      );
    }
    this.#closed = true;
    this.#tell?.cancel();
    this.patience.close();
    this.#publisher.close(closedError());
    for (const waiter of this.#waiting.splice(0)) waiter.reject(closedError());
    await this.#connection.close();
  }

  async #leave(model: ChannelModel): Promise<void> {
    const deps = { ...this.#removal, presence: this.#presence };
    await leavePool(model, deps, () => [...this.book.jobs()].length > 0);
  }

  get #removal(): { topology: Topology; publisher: ConfirmedPublisher; log: PoolLog } {
    return { topology: this.#deps.topology, publisher: this.#publisher, log: this.#log };
  }

  async #onSession(model: ChannelModel): Promise<void> {
    await this.#publisher.attach(model);
    // Seen before it reads: nobody then takes the log away as that of a pool that nobody uses.
    await this.#presence.attach(model);
    await this.#log.attach(model);
    await this.#log.catchUp();
    const named = this.#named;
    this.#named = undefined;
    for (const worker of named?.values() ?? []) if (await this.#isPresent(worker.workerId)) this.roster.started(worker);
    this.#model = model;
    this.#everConnected = true;
    this.patience.back();
    this.#recovered();
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(model);
  }

  #awayError(): Error {
    if (this.#trouble !== undefined) return troubleError(this.#trouble);
    return new BackendError('BACKEND_UNAVAILABLE', 'The RabbitMQ broker has not answered for long.', {
      retryable: true,
      details: { reason: 'BROKER_UNREACHABLE' },
    });
  }

  #isPresent(workerId: string): Promise<boolean> {
    return isAnyonePresent(this.#deps.topology, this.#publisher, workerKey(workerId));
  }

  #onLost(): void {
    this.#model = undefined;
    this.#publisher.detach();
    this.patience.away();
    for (const fail of this.#onceLost) fail();
  }

  #onTrouble(trouble: BrokerTrouble): void {
    this.#trouble = trouble;
    this.patience.away(trouble.refused);
    if (trouble.refused) {
      if (!this.#everConnected) for (const waiter of this.#waiting.splice(0)) waiter.reject(troubleError(trouble));
      this.#tellTrouble();
    } else this.#tell ??= this.#deps.clock.setTimer(() => this.#tellTrouble(), TELL_AFTER_MS);
  }

  #tellTrouble(): void {
    const trouble = this.#trouble;
    if (trouble === undefined || trouble.code === this.#told?.code) return;
    this.#clear();
    this.#told = trouble;
    this.#deps.listener.diagnosis(troubleDiagnosis(trouble));
  }

  #recovered(): void {
    this.#trouble = undefined;
    this.#tell?.cancel();
    this.#tell = undefined;
    this.#clear();
  }

  #clear(): void {
    if (this.#told === undefined) return;
    const cleared: BackendDiagnosis = {
      severity: 'info',
      code: this.#told.code,
      message: 'The RabbitMQ broker serves this client again.',
    };
    this.#told = undefined;
    this.#deps.listener.diagnosis(cleared);
  }

  #onEntry(entry: LogEntry): void {
    if (entry.type === 'worker-started') {
      if (this.#named === undefined) this.roster.started(entry);
      else this.#named.set(entry.workerId, entry);
    } else if (entry.type === 'worker-stopped') {
      this.#named?.delete(entry.workerId);
      this.roster.gone({ workerId: entry.workerId, change: 'stopped' });
    } else for (const lost of this.book.read(entry)) this.#deps.listener.callsLost(lost);
  }
}

const closedError = (): IllegalStateError =>
  new IllegalStateError('ILLEGAL_STATE', 'The backend was stopped; make a new executor.');
