/** The worker half alone, in this process and on a real broker: what it is given is answered at once. */
import { randomUUID } from 'node:crypto';
import { connect, type ChannelModel } from 'amqplib';
import {
  silentLogger,
  type BackendListener,
  type CallLease,
  type CallReceiver,
  type CallsLostEvent,
  type JobRef,
  type Storage,
} from '@splitrock/core/plugin';
import { TrackingClock, finishedCall } from '@splitrock/testkit';
import { RabbitmqCallSource } from '@splitrock/backend-k8s-rabbitmq';
import { CuttableLink } from './cuttable-link.ts';
import { amqpOptionsSchema } from '../src/broker/amqp-options.ts';
import { ConfirmedPublisher } from '../src/broker/confirmed-publisher.ts';
import { PoolLog } from '../src/broker/pool-log.ts';
import { Topology } from '../src/broker/topology.ts';
import { PoolClient } from '../src/dispatch/pool-client.ts';
import { encodeCallMessage } from '../src/protocol/call-message.ts';
import type { LogEntry } from '../src/protocol/log-entry.ts';

const TENANT = 'lone';
const SLOTS = 2;
const CALL_MS = 1;

export interface LonePoolOptions {
  readonly url: string;
  readonly maxDeaths: number;
}

/** A pool's client, and as many workers as a test starts. */
export class LonePool implements BackendListener {
  readonly lost: CallsLostEvent[] = [];
  /** All that the pool's log has. */
  readonly entries: LogEntry[] = [];
  readonly topology: Topology;
  readonly client: PoolClient;
  readonly #clock = new TrackingClock();
  readonly #options: LonePoolOptions & { readonly pool: string };
  #reader: ChannelModel | undefined;

  constructor(options: LonePoolOptions) {
    this.#options = { ...options, pool: `test-${randomUUID()}` };
    this.topology = new Topology({ tenant: TENANT, pool: this.#options.pool });
    this.client = new PoolClient({
      amqp: amqpOptionsSchema.parse({ url: options.url }),
      topology: this.topology,
      name: 'test client',
      clock: this.#clock,
      logger: silentLogger,
      listener: this,
    });
  }

  get pendingTimers(): number {
    return this.#clock.pendingTimers;
  }

  async declare(job: JobRef): Promise<void> {
    await this.client.declareJob(job);
    await this.client.write({ type: 'job', job, weight: 1, descriptor: new Uint8Array() });
  }

  /** Each call in a message of its own. */
  async submit(job: JobRef, from: number, to: number): Promise<void> {
    this.client.book.submit(job, 1, { from, to });
    const publishing = Array.from({ length: to - from }, async (_, index) => {
      const calls = { from: from + index, to: from + index + 1 };
      const content = encodeCallMessage({ job, calls, attempt: 1, submittedAtMs: Date.now(), deaths: 0 });
      const routingKey = this.topology.jobQueue(job);
      return this.client.publish({ exchange: '', routingKey, content, messageId: randomUUID() });
    });
    await Promise.all(publishing);
    await this.client.write({ type: 'submitted', job, calls: { from, to }, attempt: 1 });
  }

  /** @param deadly - The worker dies when it is given this call. */
  async worker(workerId: string, deadly?: number): Promise<LoneWorker> {
    const { pool, maxDeaths } = this.#options;
    const link = await CuttableLink.to(this.#options.url);
    const { url } = link;
    const source = new RabbitmqCallSource(
      { amqp: amqpOptionsSchema.parse({ url }), pool, maxDeaths, consumerTimeoutSeconds: 1_800 },
      {
        workerId,
        tenant: TENANT,
        slots: { workerProcesses: SLOTS, callsPerProcess: 1, kind: 'process' },
        // A source has no use for it.
        storage: {} as Storage,
        logger: silentLogger,
        clock: this.#clock,
      },
    );
    return new LoneWorker({ workerId, source, link, deadly });
  }

  /** Connects the client, and reads along in the pool's log. */
  async start(): Promise<void> {
    await this.client.start();
    const { topology, entries } = this;
    const model = await connect(this.#options.url);
    const publisher = new ConfirmedPublisher(this.#clock);
    const log = new PoolLog({ topology, publisher, logger: silentLogger, onEntry: (entry) => entries.push(entry) });
    await log.attach(model);
    this.#reader = model;
  }

  async close(...jobs: readonly JobRef[]): Promise<void> {
    for (const job of jobs) await this.client.remove(job);
    await this.#reader?.close();
    await this.client.close();
  }

  callsLost(event: CallsLostEvent): void {
    this.lost.push(event);
  }

  statusPublished(): void {}
  diagnosis(): void {}
  workerChanged(): void {}
}

interface LoneWorkerParts {
  readonly workerId: string;
  readonly source: RabbitmqCallSource;
  readonly link: CuttableLink;
  readonly deadly: number | undefined;
}

export class LoneWorker implements CallReceiver {
  readonly workerId: string;
  /** Calls that were given to it, in order. */
  readonly given: { readonly job: JobRef; readonly callId: number }[] = [];
  /** Calls that it answered, of all jobs. */
  readonly answered: number[] = [];
  /** No word of it reaches anybody any more. */
  dead = false;
  readonly #source: RabbitmqCallSource;
  readonly #link: CuttableLink;
  readonly #deadly: number | undefined;

  constructor({ workerId, source, link, deadly }: LoneWorkerParts) {
    this.workerId = workerId;
    this.#source = source;
    this.#link = link;
    this.#deadly = deadly;
  }

  async start(): Promise<void> {
    await this.#source.start(this);
    this.#source.setCapacity(SLOTS);
  }

  /** In order, as a worker does that was told to go; of a dead one, only what it has in this process ends. */
  async stop(): Promise<void> {
    this.#source.setCapacity(0);
    await this.#source.flush();
    await this.#source.stop();
    this.#link.cut();
  }

  callsOf(job: JobRef): readonly number[] {
    return this.given.filter((each) => each.job.jobNumber === job.jobNumber).map(({ callId }) => callId);
  }

  deliver(lease: CallLease): void {
    const { job, calls } = lease;
    for (let callId = calls.from; callId < calls.to; callId += 1) {
      this.given.push({ job, callId });
      if (callId === this.#deadly) this.#die();
      setTimeout(() => {
        if (this.dead) return;
        this.#source.published(job, [
          { ...finishedCall(this.workerId, callId), startedAtMs: 0, finishedAtMs: CALL_MS },
        ]);
        lease.done(callId);
        this.answered.push(callId);
      }, CALL_MS);
    }
  }

  #die(): void {
    this.dead = true;
    this.#link.cut();
  }

  cancel(): void {}
  endJob(): void {}
  shutdown(): void {}
}
