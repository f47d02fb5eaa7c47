/**
 * One executor as a backend sees it: its storage, its status, its jobs, and what the backend told it. Needs no test
 * runner, so that programs under test can use it too.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  executorPrefix,
  formatJobId,
  silentLogger,
  type Backend,
  type BackendDiagnosis,
  type BackendListener,
  type CallsLostEvent,
  type JobRef,
  type PluginRef,
  type StatusEvent,
  type StatusSubscriber,
  type Storage,
  type WorkerChange,
} from '@splitrock/core/plugin';
import { TrackingClock } from '../tracking-clock.ts';
import type { BackendHarness, PluginUnderTest } from './backend-harness.ts';
import { ConditionWatch } from './condition-watch.ts';
import { ConformanceJob, type ConformanceJobOptions } from './conformance-job.ts';

const TENANT = 'conformance';

interface FixtureParts {
  readonly harness: BackendHarness;
  readonly deadlineMs: number;
  readonly executorId: string;
  readonly clock: TrackingClock;
  readonly storage: Storage;
  readonly subscriber: StatusSubscriber;
  readonly backend: Backend;
}

export class ExecutorFixture implements BackendListener {
  readonly executorId: string;
  readonly tenant = TENANT;
  readonly diagnoses: BackendDiagnosis[] = [];
  readonly workers: WorkerChange[] = [];
  readonly clock: TrackingClock;
  readonly backend: Backend;
  readonly storage: Storage;
  readonly #harness: BackendHarness;
  readonly #deadlineMs: number;
  readonly #subscriber: StatusSubscriber;
  readonly #jobs = new Map<string, ConformanceJob>();
  readonly #watch: ConditionWatch;
  #lastJobNumber = 0;

  private constructor(parts: FixtureParts) {
    this.executorId = parts.executorId;
    this.clock = parts.clock;
    this.backend = parts.backend;
    this.storage = parts.storage;
    this.#subscriber = parts.subscriber;
    this.#harness = parts.harness;
    this.#deadlineMs = parts.deadlineMs;
    this.#watch = new ConditionWatch(parts.deadlineMs, () =>
      JSON.stringify({ workers: this.workers, diagnoses: this.diagnoses }),
    );
  }

  /** Makes a backend with everything around it; it is not started. */
  static async create(harness: BackendHarness, deadlineMs: number): Promise<ExecutorFixture> {
    const executorId = randomBytes(6).toString('hex');
    const clock = new TrackingClock();
    const logger = silentLogger;
    const storage = await harness.storage.plugin.createStorage(parse(harness.storage), { logger, clock });
    const common = { tenant: TENANT, executorId, storage, logger, clock };
    const subscriber = await harness.monitoring.plugin.createSubscriber(parse(harness.monitoring), common);
    const workerPlugins = {
      backend: toRef(harness.backend),
      storage: toRef(harness.storage),
      monitoring: toRef(harness.monitoring),
    };
    const backend = await harness.backend.plugin.createBackend(parse(harness.backend), { ...common, workerPlugins });
    return new ExecutorFixture({ harness, deadlineMs, executorId, clock, storage, subscriber, backend });
  }

  /** The same, started. */
  static async start(harness: BackendHarness, deadlineMs: number): Promise<ExecutorFixture> {
    const executor = await ExecutorFixture.create(harness, deadlineMs);
    await executor.backend.start(executor);
    return executor;
  }

  async job(options: ConformanceJobOptions): Promise<ConformanceJob> {
    const job = await ConformanceJob.prepare(options, {
      job: { executorId: this.executorId, jobNumber: (this.#lastJobNumber += 1) },
      tenant: TENANT,
      backend: this.backend,
      storage: this.storage,
      subscriber: this.#subscriber,
      deadlineMs: this.#deadlineMs,
    });
    this.#jobs.set(formatJobId(job.job), job);
    return job;
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.#watch.until(condition, what);
  }

  /** The backend has told of this worker: status, which comes by another way, may have named it before. */
  untilStarted(workerId: string | undefined): Promise<void> {
    const isIt = (told: WorkerChange): boolean => told.workerId === workerId && told.change === 'started';
    return this.until(() => this.workers.some(isIt), `worker ${workerId} was told`);
  }

  callsLost(event: CallsLostEvent): void {
    this.#jobs.get(formatJobId(event.job))?.callsLost(event);
    this.#watch.changed();
  }

  statusPublished(job: JobRef, events: readonly StatusEvent[]): void {
    this.#jobs.get(formatJobId(job))?.delivered(events);
    this.#watch.changed();
  }

  diagnosis(event: BackendDiagnosis): void {
    this.diagnoses.push(event);
    this.#watch.changed();
  }

  workerChanged(event: WorkerChange): void {
    this.workers.push(event);
    this.#watch.changed();
  }

  /** Stops all, removes what the suite wrote, and checks that the backend left nothing behind. */
  async close(): Promise<void> {
    await this.backend.stop();
    for (const job of this.#jobs.values()) await job.close();
    await this.#subscriber.close();
    await this.storage.deleteMany(keysBelow(this.storage, executorPrefix(this.executorId)));
    await this.storage.close();
    assert.equal(this.clock.pendingTimers, 0, 'timers were left behind');
    await this.#expectNoLeftovers();
  }

  async #expectNoLeftovers(): Promise<void> {
    const harness = this.#harness;
    if (harness.leftovers === undefined) return;
    const deadline = Date.now() + this.#deadlineMs;
    let left = await harness.leftovers(this.executorId);
    while (left.length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      left = await harness.leftovers(this.executorId);
    }
    assert.deepEqual(left, [], 'something was left behind');
  }
}

function parse<Options>({
  plugin,
  options,
}: PluginUnderTest<{ optionsSchema: { parse(value: unknown): Options } }>): Options {
  return plugin.optionsSchema.parse(options);
}

function toRef(under: PluginUnderTest<{ name: string; optionsSchema: { parse(value: unknown): unknown } }>): PluginRef {
  return { module: under.module, name: under.plugin.name, options: parse(under) };
}

async function* keysBelow(storage: Storage, prefix: string): AsyncIterable<string> {
  for await (const { key } of storage.list(prefix)) yield key;
}
