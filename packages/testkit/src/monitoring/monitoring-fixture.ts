/** One test's world: the monitoring under test, and everything made with it, so that it can all be closed and checked. */
import { expect } from 'vitest';
import {
  silentLogger,
  type JobRef,
  type MonitoringPlugin,
  type PluginRef,
  type StatusPublisher,
  type StatusSubscriber,
  type StatusSubscription,
  type Storage,
  type SubscribeOptions,
} from '@splitrock/core/plugin';
import { TrackingClock } from '../tracking-clock.ts';
import { PublisherProcess } from './publisher-process.ts';
import { StatusRecorder } from './status-recorder.ts';

/** What a test of the suite runs against. */
export interface MonitoringUnderTest {
  readonly plugin: MonitoringPlugin;
  /** Unvalidated, as a user writes them. */
  readonly options: unknown;
  /** Handed to the plugin. The suite does not close it. */
  readonly storage: Storage;
  /** How another process makes the same monitoring, over the same storage; needed unless `otherProcesses: false`. */
  readonly forOtherProcesses?: { readonly monitoring: PluginRef; readonly storage: PluginRef };
  /** Removes everything. */
  close(): Promise<void>;
}

export interface Listening {
  readonly recorder: StatusRecorder;
  readonly subscription: StatusSubscription;
}

const TENANT = 'conformance';
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

export class MonitoringFixture {
  readonly underTest: MonitoringUnderTest;
  readonly #clock = new TrackingClock();
  readonly #deadlineMs: number;
  readonly #publishers: StatusPublisher[] = [];
  readonly #subscribers: StatusSubscriber[] = [];
  readonly #processes: PublisherProcess[] = [];
  readonly #resourcesBefore = countResources();
  #workers = 0;

  constructor(underTest: MonitoringUnderTest, deadlineMs: number) {
    this.underTest = underTest;
    this.#deadlineMs = deadlineMs;
  }

  /** A job nobody used before. */
  newJob(): JobRef {
    return { executorId: randomId(), jobNumber: 1 };
  }

  newWorkerId(): string {
    this.#workers += 1;
    return `worker-${randomId()}-${this.#workers}`;
  }

  async publisher(workerId: string): Promise<StatusPublisher> {
    const { plugin, storage } = this.underTest;
    const deps = { workerId, tenant: TENANT, storage, logger: silentLogger, clock: this.#clock };
    const publisher = await plugin.createPublisher(this.#options(), deps);
    this.#publishers.push(publisher);
    return publisher;
  }

  async subscriber(job: JobRef): Promise<StatusSubscriber> {
    const { plugin, storage } = this.underTest;
    const deps = { tenant: TENANT, executorId: job.executorId, storage, logger: silentLogger, clock: this.#clock };
    const subscriber = await plugin.createSubscriber(this.#options(), deps);
    this.#subscribers.push(subscriber);
    return subscriber;
  }

  /** A recorder that subscribes to the job; with a subscriber of its own unless one is given. */
  async listen(job: JobRef, options?: SubscribeOptions, subscriber?: StatusSubscriber): Promise<Listening> {
    const recorder = new StatusRecorder(this.#deadlineMs);
    const from = subscriber ?? (await this.subscriber(job));
    const subscription = await from.subscribe(job, recorder.onEvents, recorder.onTrouble, options);
    return { recorder, subscription };
  }

  async publisherProcess(workerId = this.newWorkerId()): Promise<PublisherProcess> {
    const refs = this.underTest.forOtherProcesses;
    if (refs === undefined) throw new Error('forOtherProcesses is missing; give it, or say otherProcesses: false.');
    const process = await PublisherProcess.start({ ...refs, workerId });
    this.#processes.push(process);
    return process;
  }

  /** Closes everything, then sees that nothing stays: no timer on the clock, no open handle. */
  async finish(): Promise<void> {
    await this.close();
    await expect.poll(countResources, { timeout: this.#deadlineMs }).toEqual(this.#resourcesBefore);
  }

  /** The same without a look at open handles, for tests that start and kill servers. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    await Promise.all(this.#publishers.map((publisher) => publisher.close()));
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.close()));
    const timers = this.#clock.pendingTimers;
    await this.underTest.close();
    expect(timers, 'timers left on the clock').toBe(0);
  }

  #options(): unknown {
    return this.underTest.plugin.optionsSchema.parse(this.underTest.options);
  }
}

/** Events as comparable values: byte arrays may be views or Buffers, and become text. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

function randomId(): string {
  return Array.from({ length: 12 }, () => ID_LETTERS[Math.floor(Math.random() * ID_LETTERS.length)]).join('');
}

/** Open handles by kind. Timers are counted by the clock: the test runner has some of its own. */
function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/Timeout|Immediate|FSReqPromise|FSReqCallback|CloseReq/.test(kind)) continue;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
