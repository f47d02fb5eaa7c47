/**
 * How much work waits, for the pool: looks at the queues of this client's jobs while there are any. Soon after a submission,
 * and every now and then later, for a dead worker's calls wait again without anybody saying so.
 */
import type { ChannelModel } from 'amqplib';
import type { Clock, ClockTimer, JobRef, Logger } from '@splitrock/core/plugin';
import type { PoolDemand } from '@splitrock/k8s-common';
import { messagesWaiting } from '../broker/job-removal.ts';

const FIRST_LOOK_MS = 100;
const BUSY_MS = 500;
const QUIET_MS = 2_000;
/** What the broker tells of a queue is up to so old: until then, what was submitted is taken to wait. */
const STALE_MS = 6_000;
/** The others are looked at in later turns. */
const JOBS_PER_LOOK = 20;

export interface WatchedJob {
  readonly ref: JobRef;
  readonly queue: string;
  /** Mean of this client's submissions. */
  readonly callsPerMessage: number;
}

export interface DemandWatchDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** `undefined` while there is no connection. */
  model(): ChannelModel | undefined;
  /** Jobs of this client that have not ended. */
  jobs(): readonly WatchedJob[];
  /** Slots of the workers that are there. */
  slots(): number;
  ensure(demand: PoolDemand): void;
  /** Told with each look. */
  onLook(): Promise<void>;
}

export class DemandWatch {
  readonly #deps: DemandWatchDeps;
  #timer: ClockTimer | undefined;
  #turn = 0;
  /** From then on the broker's word counts when it says that nothing waits. */
  #trustAtMs = 0;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(deps: DemandWatchDeps) {
    this.#deps = deps;
  }

  /** There is more work, or fewer workers, than before: looks soon. `calls` are known to wait. */
  changed(jobs: readonly JobRef[], calls: number): void {
    const slots = this.#deps.slots();
    // More than there are workers for, whatever they do at the moment.
    if (calls > slots) this.#deps.ensure({ slots: calls, jobs });
    if (calls > 0) this.#trustAtMs = this.#deps.clock.now() + STALE_MS;
    this.#lookIn(FIRST_LOOK_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #lookIn(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(() => {
      this.#looking = this.#look();
    }, delayMs);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const deps = this.#deps;
    const jobs = deps.jobs();
    if (jobs.length === 0) {
      deps.ensure({ slots: 0, jobs: [] });
      return;
    }
    const model = deps.model();
    if (model === undefined) return this.#lookIn(BUSY_MS);
    let delayMs = QUIET_MS;
    try {
      const { calls, of } = await this.#count(model, jobs);
      if (calls > 0) delayMs = BUSY_MS;
      const slots = deps.slots();
      const trusted = calls > 0 || slots > 0 || deps.clock.now() >= this.#trustAtMs;
      // While anything waits, every slot there is is taken.
      if (trusted) deps.ensure({ slots: calls === 0 ? 0 : calls + slots, jobs: of });
      await deps.onLook();
    } catch (error) {
      deps.logger.debug('The queues could not be looked at', { error });
    }
    this.#lookIn(delayMs);
  }

  /** Calls that wait, and the jobs of which they are. */
  async #count(model: ChannelModel, jobs: readonly WatchedJob[]): Promise<{ calls: number; of: readonly JobRef[] }> {
    const from = (this.#turn += JOBS_PER_LOOK) % jobs.length;
    const some = [...jobs.slice(from), ...jobs.slice(0, from)].slice(0, JOBS_PER_LOOK);
    const of: JobRef[] = [];
    let calls = 0;
    for (const { ref, queue, callsPerMessage } of some) {
      const messages = (await messagesWaiting(model, queue)) ?? 0;
      if (messages > 0) of.push(ref);
      calls += Math.ceil(messages * callsPerMessage);
    }
    return { calls, of };
  }
}
