/**
 * What there is in the broker, by name and arguments.
 *
 *     splitrock.<tenant>.<pool>.log                     stream: what workers and clients tell one another (protocol/log-entry.ts)
 *     splitrock.<tenant>.<pool>.presence                exchange: a key is bound while a live connection stands behind it
 *     splitrock.<tenant>.<pool>.job.<job>               quorum queue: the calls of a job
 *     splitrock.<tenant>.<pool>.job.<job>.kept.<worker> quorum queue: calls that run longer than a message may stay
 *                                                       un-acknowledged (see source/long-calls.ts); the log names
 *                                                       its worker, and it goes with its job's queue
 *
 * All but the exclusive queues behind presence is durable, and queues of jobs expire by themselves when nobody has used
 * them for long.
 */
import { createHash } from 'node:crypto';
import type { Channel, Options } from 'amqplib';
import { formatJobId, type JobRef } from '@splitrock/core/plugin';

/** Queues that nobody has used for so long are removed by the broker. */
const EXPIRES_MS = 7 * 24 * 3_600_000;
/** Entries of the log are kept at least as long as queues of jobs. */
const LOG_MAX_AGE = '8D';
const LOG_SEGMENT_BYTES = 4_000_000;
/**
 * Since RabbitMQ 4.0 a quorum queue drops what came back more than 20 times, for whatever reason, unless it is told another
 * limit (https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling). How to ask for none differs between versions;
 * a number that no message reaches does not.
 */
const DELIVERY_LIMIT = 1_000_000;
/** What a dead worker kept goes back to its job's queue after so long. */
const KEPT_TTL_MS = 5_000;

export interface PoolName {
  readonly tenant: string;
  readonly pool: string;
}

export class Topology {
  readonly prefix: string;
  readonly log: string;
  readonly presence: string;

  constructor({ tenant, pool }: PoolName) {
    this.prefix = `splitrock.${encodeBrokerName(tenant)}.${encodeBrokerName(pool)}`;
    this.log = `${this.prefix}.log`;
    this.presence = `${this.prefix}.presence`;
  }

  jobQueue(job: JobRef): string {
    return `${this.prefix}.job.${formatJobId(job)}`;
  }

  keptQueue(job: JobRef, workerId: string): string {
    return `${this.jobQueue(job)}.kept.${encodeBrokerName(workerId)}`;
  }

  /** Declares what all jobs of the pool share. */
  async declarePool(channel: Channel): Promise<void> {
    await channel.assertExchange(this.presence, 'direct', { durable: true });
    await channel.assertQueue(this.log, {
      durable: true,
      arguments: {
        'x-queue-type': 'stream',
        'x-max-age': LOG_MAX_AGE,
        'x-stream-max-segment-size-bytes': LOG_SEGMENT_BYTES,
      },
    });
  }

  async declareJob(channel: Channel, job: JobRef): Promise<void> {
    await channel.assertQueue(this.jobQueue(job), quorumQueue({}));
  }

  /** Messages that are not taken from it at once, because its worker is gone, go back to the job's queue. */
  async declareKept(channel: Channel, job: JobRef, workerId: string): Promise<void> {
    await channel.assertQueue(
      this.keptQueue(job, workerId),
      quorumQueue({
        'x-message-ttl': KEPT_TTL_MS,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': this.jobQueue(job),
        // https://www.rabbitmq.com/docs/quorum-queues#dead-lettering: no message is lost on its way.
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      }),
    );
  }
}

const quorumQueue = (more: Readonly<Record<string, unknown>>): Options.AssertQueue => ({
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-expires': EXPIRES_MS, 'x-delivery-limit': DELIVERY_LIMIT, ...more },
});

const PLAIN = /^[A-Za-z0-9_-]{1,63}$/;

/** A text that is a plain word stays what it is; any other becomes a readable rest and a hash, so that no two meet. */
export function encodeBrokerName(text: string): string {
  if (PLAIN.test(text)) return text;
  const readable = text.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, 32);
  // The tilde is in no plain word.
  return `${readable}~${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
