/**
 * Calls that run longer than the broker lets a message stay un-acknowledged (`consumer_timeout`, 30 minutes unless its
 * operator changed it).
 *
 * In time, the worker publishes the message once more into a queue of its own, takes it from there, and acknowledges the
 * old delivery: the clock starts anew, and at every moment the broker has the message. When the worker dies, what it kept
 * expires after seconds and goes back to the job's queue.
 */
import type { Clock, ClockTimer, JobRef, Logger } from '@splitrock/core/plugin';
import type { ConfirmedPublisher } from '../broker/confirmed-publisher.ts';
import type { Topology } from '../broker/topology.ts';
import { encodeCallMessage } from '../protocol/call-message.ts';
import type { HeldMessage } from './held-message.ts';

/** A delivery older than this share of the timeout is renewed. */
const RENEW_AT = 0.5;
const LOOKS_PER_TIMEOUT = 10;

export interface LongCallsDeps {
  readonly topology: Topology;
  readonly workerId: string;
  readonly consumerTimeoutMs: number;
  readonly publisher: ConfirmedPublisher;
  readonly clock: Clock;
  readonly logger: Logger;
  held(): Iterable<HeldMessage>;
  /** Resolves once the log tells that this worker holds the message. */
  enter(held: HeldMessage): Promise<unknown>;
  /** Resolves once the log tells that this worker has a queue of its own for the job. */
  announce(job: JobRef): Promise<void>;
}

export class LongCalls {
  readonly #deps: LongCallsDeps;
  readonly #renewing = new Set<HeldMessage>();
  #timer: ClockTimer | undefined;

  constructor(deps: LongCallsDeps) {
    this.#deps = deps;
  }

  /** Looks after what is held, until nothing is. */
  watch(): void {
    const { clock, consumerTimeoutMs } = this.#deps;
    if (this.#timer !== undefined || this.#deps.held()[Symbol.iterator]().next().done === true) return;
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined;
      for (const message of this.#deps.held()) this.#renewIfOld(message);
      this.watch();
    }, consumerTimeoutMs / LOOKS_PER_TIMEOUT);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #renewIfOld(message: HeldMessage): void {
    const { clock, consumerTimeoutMs, logger } = this.#deps;
    const age = clock.now() - message.deliveredAtMs;
    if (age < RENEW_AT * consumerTimeoutMs || message.deliveries.length === 0 || this.#renewing.has(message)) return;
    this.#renewing.add(message);
    this.#renew(message)
      .catch((error: unknown) =>
        logger.warn('A long call’s message could not be renewed; it is tried again', { error }),
      )
      .finally(() => this.#renewing.delete(message));
  }

  async #renew(held: HeldMessage): Promise<void> {
    const { topology, workerId, publisher } = this.#deps;
    const { id, message, deliveries } = held;
    // What expires in the own queue comes back: it is to be known then who kept it.
    if (!held.onRecord) await this.#deps.enter(held);
    const queue = topology.keptQueue(message.job, workerId);
    await deliveries[0]?.consumers.openKept(queue, async (channel) => {
      await this.#deps.announce(message.job);
      await topology.declareKept(channel, message.job, workerId);
    });
    const content = encodeCallMessage(message);
    // What comes by the own queue has the same id: the intake then lets go of the older delivery.
    await publisher.publish({ exchange: '', routingKey: queue, content, messageId: id });
  }
}
