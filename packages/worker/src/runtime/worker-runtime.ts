/**
 * The worker: takes calls from a call source, has them run in slots, publishes how they ended, answers for them.
 *
 * The decisions are made by the `Assigner`; this is the shell around it that performs them: processes, files, timers,
 * publishing. A call is answered with `done` only after its status is durable.
 */
import { availableParallelism } from 'node:os';
import {
  type CallLease,
  type CallReceiver,
  type CallSource,
  type Clock,
  type ClockTimer,
  type JobRef,
  type Logger,
  type LossReason,
  type SlotOptions,
  type StatusEvent,
  type StatusPublisher,
  type Storage,
  type PluginMember,
  type WorkerPlugins,
  PLUGIN_TIMEOUT_MS,
  callPlugin,
  formatJobId,
} from '@splitrock/core/plugin';
import { Assigner } from '../assignment/assigner.ts';
import type { AssignmentEvent, AssignmentInstruction, Settlement } from '../assignment/assignment-types.ts';
import type { SlotSetup } from '../protocol/slot-messages.ts';
import { loadOutcome } from '../slot/outcome.ts';
import { CallWatch } from './call-watch.ts';
import { findPackages } from './find-packages.ts';
import { leasedCalls, type LeasedCall } from './held-call.ts';
import { JobFiles, type PreparedJob } from './job-files.ts';
import { SlotPool } from './slot-pool.ts';
import { StatusOutbox } from './status-outbox.ts';
import { WorkerDirectory } from './worker-directory.ts';

/** How long running calls may go on after a drain was asked for, when nobody says. */
export const DEFAULT_DRAIN_GRACE_MS = 25_000;
/** ES modules are never freed, so a process that has loaded this many functions is replaced. */
const FUNCTIONS_PER_PROCESS = 100;

export interface WorkerRuntimeOptions {
  readonly workerId: string;
  readonly tenant: string;
  readonly source: CallSource;
  readonly publisher: StatusPublisher;
  readonly storage: Storage;
  readonly slots: SlotOptions;
  /** For slots, which open their own storage, and for executors made inside calls. */
  readonly plugins: WorkerPlugins;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Replaces a slot process that has loaded this many different functions. @defaultValue 100 */
  readonly functionsPerProcess?: number;
  /** Replaces a slot process that is idle and larger than this. @defaultValue no limit */
  readonly maxIdleRssMiB?: number;
  /**
   * Whether the kernel ends all slots with this process, so that none needs a thread that watches for its end.
   * @defaultValue whether this process is the first of its process namespace, as in a container
   */
  readonly slotsEndWithWorker?: boolean;
  /** Slot processes that start at the same time. @defaultValue twice as many as there are processors */
  readonly startsAtOnce?: number;
}

interface Job {
  readonly ref: JobRef;
  descriptor: Uint8Array | undefined;
  prepared: PreparedJob | undefined;
}

export class WorkerRuntime {
  readonly #options: WorkerRuntimeOptions;
  readonly #directory = new WorkerDirectory();
  readonly #nodeModules = findPackages([process.cwd(), import.meta.dirname]);
  readonly #assigner: Assigner<LeasedCall>;
  readonly #files: JobFiles;
  readonly #outbox: StatusOutbox<LeasedCall>;
  readonly #pool: SlotPool;
  readonly #watch: CallWatch;
  readonly #jobs = new Map<string, Job>();
  readonly #finished: Promise<void>;
  #finish: () => void = () => {};
  #timer: { readonly atMs: number; readonly handle: ClockTimer } | undefined;
  #handling = false;
  readonly #events: AssignmentEvent<LeasedCall>[] = [];
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: WorkerRuntimeOptions) {
    this.#options = options;
    const { slots, storage, publisher, clock } = options;
    const { functionsPerProcess = FUNCTIONS_PER_PROCESS, startsAtOnce = 2 * availableParallelism() } = options;
    const { workerProcesses, callsPerProcess } = slots;
    this.#assigner = new Assigner({
      slots: workerProcesses,
      callsPerSlot: callsPerProcess,
      functionsPerProcess,
      startsAtOnce,
    });
    this.#files = new JobFiles(storage, this.#directory);
    this.#outbox = new StatusOutbox(publisher, {
      published: (job, events, calls) => this.#published(job, events, calls),
      failed: (calls, error) => this.#notPublished(calls, error),
    });
    this.#watch = new CallWatch({
      workerId: options.workerId,
      clock,
      running: (slot) => this.#assigner.running(slot),
      emit: (call, event) => this.#outbox.add(call.job, call.jobRef, event),
      maxLogBytes: (job) => this.#jobs.get(job)?.prepared?.descriptor.run.maxLogBytes ?? 0,
      memoryMiB: (job) => this.#jobs.get(job)?.prepared?.needs.memoryMiB ?? null,
      slots: () => this.#pool.handles(),
    });
    this.#pool = new SlotPool({
      kind: slots.kind,
      directory: this.#directory,
      setup: (slot) => this.#setup(slot),
      watch: this.#watch,
      ...(options.maxIdleRssMiB === undefined ? {} : { maxIdleRssMiB: options.maxIdleRssMiB }),
      endsWithWorker: options.slotsEndWithWorker ?? process.pid === 1,
      handle: (event) => this.#handle(event),
    });
    this.#finished = new Promise((resolve) => (this.#finish = resolve));
  }

  /** Resolves once the worker has stopped, for whatever reason. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  /** Starts slots and begins to take calls. A rejection means that the source could not be started; all is freed then. */
  async start(): Promise<void> {
    this.#state = 'running';
    this.#handle({ type: 'start' });
    try {
      await this.#plugin('backend', 'start', () => this.#options.source.start(this.#receiver()));
    } catch (error) {
      await this.drain({ graceMs: 0, reason: 'the call source cannot be started' });
      throw error;
    }
  }

  /**
   * Takes no more calls, gives back those that wait, lets running ones end within the grace, stops what is left, sends
   * out all status, and stops. May be asked for again with a shorter grace. Never rejects.
   */
  drain(options: { readonly graceMs?: number; readonly reason: string }): Promise<void> {
    if (this.#state === 'running') {
      const graceMs = options.graceMs ?? DEFAULT_DRAIN_GRACE_MS;
      this.#options.logger.info('worker drains', { reason: options.reason, graceMs });
      this.#handle({ type: 'drain', graceMs });
    }
    return this.#finished;
  }

  #receiver(): CallReceiver {
    return {
      deliver: (lease) => this.#deliver(lease),
      cancel: ({ job, ...target }) => this.#handle({ type: 'cancel', target: { ...target, job: formatJobId(job) } }),
      endJob: (job) => this.#handle({ type: 'end-job', job: formatJobId(job) }),
      shutdown: (options) => void this.drain(options),
    };
  }

  #deliver(lease: CallLease): void {
    const key = formatJobId(lease.job);
    const job = this.#jobs.get(key);
    if (job === undefined) this.#jobs.set(key, { ref: lease.job, descriptor: lease.descriptor, prepared: undefined });
    else job.descriptor ??= lease.descriptor;
    this.#handle({ type: 'deliver', calls: leasedCalls(lease) });
  }

  /** Events that instructions cause are handled after them, so that instructions are carried out in order. */
  #handle(event: AssignmentEvent<LeasedCall>): void {
    this.#events.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        const nowMs = this.#options.clock.now();
        for (const instruction of this.#assigner.handle(next, nowMs)) this.#perform(instruction);
      }
    } finally {
      this.#handling = false;
    }
    this.#armTimer();
    this.#watch.wake();
  }

  #perform(instruction: AssignmentInstruction<LeasedCall>): void {
    switch (instruction.type) {
      case 'run': {
        const job = this.#jobs.get(instruction.job)?.prepared as PreparedJob;
        for (const { lease, callId } of instruction.calls) lease.started?.(callId);
        return this.#pool.run(instruction.slot, job.message, instruction.firstSequence, instruction.calls);
      }
      case 'settle':
        return this.#settle(instruction.settlement);
      case 'forget':
        this.#watch.ended(instruction.call);
        return instruction.call.lease.done(instruction.call.callId);
      case 'give-back':
        this.#watch.ended(instruction.call);
        return instruction.call.lease.giveBack(instruction.call.callId, this.#located(instruction.reason));
      case 'start-slot':
        return this.#pool.start(instruction.slot, instruction.memoryMiB);
      case 'kill-slot':
        return this.#pool.kill(instruction.slot, instruction.signal);
      case 'abort':
        return this.#pool.abort(instruction.slot, instruction.sequence, instruction.cause);
      case 'recall':
        return this.#pool.recall(instruction.slot);
      case 'load-job':
        return void this.#loadJob(instruction.job);
      case 'drop-job':
        return this.#dropJob(instruction.job);
      case 'set-capacity':
        return this.#options.source.setCapacity(instruction.calls);
      case 'drained':
        return void this.#stop();
    }
  }

  #settle({ call, ...end }: Settlement<LeasedCall>): void {
    this.#watch.ended(call);
    const outcome =
      end.outcome.kind === 'lost'
        ? { ...end.outcome, reason: { ...end.outcome.reason, workerId: this.#options.workerId } }
        : end.outcome;
    const { callId, attempt } = call;
    const { workerId } = this.#options;
    this.#outbox.add(call.job, call.jobRef, { type: 'finished', callId, attempt, workerId, ...end, outcome }, call);
  }

  #published(job: JobRef, events: readonly StatusEvent[], calls: readonly LeasedCall[]): void {
    this.#options.source.published?.(job, events);
    for (const call of calls) call.lease.done(call.callId);
    this.#handle({ type: 'answered', calls: calls.length });
  }

  #notPublished(calls: readonly LeasedCall[], error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#options.logger.error('status could not be published; its calls are given back', { calls: calls.length, why });
    const message = `The call ran, but its status could not be published: ${why}`;
    for (const call of calls) call.lease.giveBack(call.callId, this.#located({ kind: 'worker-lost', message }));
    this.#handle({ type: 'answered', calls: calls.length });
  }

  #located(reason: LossReason | undefined): LossReason | undefined {
    return reason === undefined ? undefined : { ...reason, workerId: this.#options.workerId };
  }

  /** Never rejects. */
  async #loadJob(key: string): Promise<void> {
    const job = this.#jobs.get(key) as Job;
    try {
      job.prepared = await this.#files.prepare(job.ref, job.descriptor);
      this.#handle({ type: 'job-ready', job: key, needs: job.prepared.needs });
    } catch (error) {
      this.#options.logger.error('job cannot be loaded', { jobId: key, why: (error as Error).message });
      this.#handle({ type: 'job-failed', job: key, outcome: loadOutcome(error) });
    }
  }

  #dropJob(key: string): void {
    const prepared = this.#jobs.get(key)?.prepared;
    this.#jobs.delete(key);
    this.#watch.dropJob(key);
    // What cannot be removed now goes with the worker's folder.
    if (prepared !== undefined) this.#files.release(prepared).catch(() => {});
  }

  #setup(slot: number): SlotSetup {
    const { slots, workerId, tenant, plugins } = this.#options;
    const { callsPerProcess, kind } = slots;
    const capture = kind === 'process' && callsPerProcess === 1 ? 'files' : 'streams';
    const places = { cacheDirectory: this.#directory.unpacked, nodeModules: this.#nodeModules };
    return { type: 'setup', slot, workerId, tenant, callsPerProcess, capture, plugins, ...places };
  }

  /** One timer for all that is due; none while nothing is. */
  #armTimer(): void {
    const { dueMs } = this.#assigner;
    if (this.#timer !== undefined && (dueMs === undefined || dueMs < this.#timer.atMs)) {
      this.#timer.handle.cancel();
      this.#timer = undefined;
    }
    if (dueMs === undefined || this.#timer !== undefined) return;
    const { clock } = this.#options;
    const fire = (): void => {
      this.#timer = undefined;
      this.#handle({ type: 'tick' });
    };
    this.#timer = { atMs: dueMs, handle: clock.setTimer(fire, dueMs - clock.now(), { keepAlive: true }) };
  }

  /** A plugin that hangs must not keep a worker from its end. */
  #plugin(kind: PluginMember['kind'], member: string, call: () => Promise<void>): Promise<void> {
    const { plugins, clock, logger } = this.#options;
    return callPlugin({ kind, name: plugins[kind].name, member }, call, {
      clock,
      logger,
      timeoutMs: PLUGIN_TIMEOUT_MS,
    });
  }

  /** Never rejects. */
  async #stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    const { source, publisher, storage, logger } = this.#options;
    this.#timer?.handle.cancel();
    this.#watch.stop();
    await this.#pool.stop();
    const steps = [
      () => this.#plugin('backend', 'flush', () => source.flush()),
      () => this.#plugin('backend', 'stop', () => source.stop()),
      () => this.#plugin('monitoring', 'close', () => publisher.close()),
      () => this.#plugin('storage', 'close', () => storage.close()),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        logger.error('worker could not stop cleanly', { why: (error as Error).message });
      }
    }
    this.#directory.remove();
    this.#finish();
  }
}
