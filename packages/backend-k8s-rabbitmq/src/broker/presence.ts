/**
 * Who is there. A client or worker binds an exclusive queue to the pool's presence exchange under a key; the broker removes
 * queue and bindings when its connection ends, however that ends. A message under a key that nobody has comes back as
 * unroutable: so anybody can ask without a list of members.
 */
import { randomUUID } from 'node:crypto';
import type { Channel, ChannelModel } from 'amqplib';
import { formatJobId, type JobRef } from '@splitrock/core/plugin';
import type { ConfirmedPublisher } from './confirmed-publisher.ts';
import type { Topology } from './topology.ts';

/** The pool as a whole is in use. */
export const POOL_KEY = 'pool';
/** A worker, as long as it lives. */
export const workerKey = (workerId: string): string => `worker.${workerId}`;
/** A job, while somebody may hold messages of it or submit more. */
export const jobKey = (job: JobRef): string => `job.${formatJobId(job)}`;

export class Presence {
  readonly #topology: Topology;
  #channel: Channel | undefined;
  #queue = '';
  /** Kept across connections. */
  readonly #keys = new Set<string>([POOL_KEY]);

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  async attach(model: ChannelModel): Promise<void> {
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    await this.#topology.declarePool(channel);
    // What asks leaves here need not pile up.
    const { queue } = await channel.assertQueue('', { exclusive: true, durable: false, maxLength: 1 });
    for (const key of this.#keys) await channel.bindQueue(queue, this.#topology.presence, key);
    this.#queue = queue;
    this.#channel = channel;
  }

  /** Resolves once it can be seen. */
  async enter(key: string): Promise<void> {
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    await this.#channel?.bindQueue(this.#queue, this.#topology.presence, key);
  }

  /** Never rejects: a connection that is gone has left already. */
  async leave(key: string): Promise<void> {
    if (!this.#keys.delete(key)) return;
    await this.#channel?.unbindQueue(this.#queue, this.#topology.presence, key).catch(() => undefined);
  }
}

/** Whether any live connection has the key. */
export async function isAnyonePresent(
  topology: Topology,
  publisher: ConfirmedPublisher,
  key: string,
): Promise<boolean> {
  const message = { exchange: topology.presence, routingKey: key, content: Buffer.alloc(0), messageId: randomUUID() };
  return (await publisher.publish(message)) === 'stored';
}
