/** Removing a job's queue, at once or when nobody can miss it. */
import type { Channel, ChannelModel } from 'amqplib';
import type { JobRef } from '@splitrock/core/plugin';
import type { ConfirmedPublisher } from './confirmed-publisher.ts';
import type { PoolLog } from './pool-log.ts';
import { isAnyonePresent, jobKey } from './presence.ts';
import type { Topology } from './topology.ts';

export interface RemovalDeps {
  readonly topology: Topology;
  readonly publisher: ConfirmedPublisher;
  readonly log: PoolLog;
}

/** About how many messages wait in a queue, seconds ago; `undefined` when there is no such queue. */
export function messagesWaiting(model: ChannelModel, queue: string): Promise<number | undefined> {
  return onQueue(model, async (channel) => (await channel.checkQueue(queue)).messageCount);
}

/** Runs something on a channel of its own; `undefined` when it finds no such queue. */
async function onQueue<Result>(
  model: ChannelModel,
  body: (channel: Channel) => Promise<Result>,
): Promise<Result | undefined> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    const result = await body(channel);
    await channel.close();
    return result;
  } catch (error) {
    if (/NOT.FOUND|404/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/**
 * Removes the queue of a job that has ended, unless something waits in it or somebody may hold a message of it. Whoever
 * leaves a job says so first and asks then: the last one removes it.
 */
export async function removeIfOver(model: ChannelModel, deps: RemovalDeps, job: JobRef): Promise<boolean> {
  const { topology, publisher, log } = deps;
  const queue = topology.jobQueue(job);
  const isPresent = (): Promise<boolean> => isAnyonePresent(topology, publisher, jobKey(job));
  if (await isPresent()) return false;
  // What a dead worker kept is on its way back.
  for (const kept of log.keptQueues(job)) {
    if ((await onQueue(model, async (channel) => (await channel.get(kept)) !== false)) === true) return false;
  }
  const removed = await onQueue(model, async (channel) => {
    // What is taken to see whether anything waits goes back with the channel.
    const isEmpty = async (): Promise<boolean> => (await channel.get(queue)) === false;
    // Asked twice: a dying holder's message comes back about when it stops being seen.
    if (!(await isEmpty()) || (await isPresent()) || !(await isEmpty())) return false;
    await channel.deleteQueue(queue);
    return true;
  });
  if (removed !== true) return false;
  await removeKept(model, deps, job);
  await log.write({ type: 'removed', job });
  return true;
}

/** Removes the queues of a job with all that is in them. Tells how many there were. */
export async function removeJob(model: ChannelModel, deps: RemovalDeps, job: JobRef): Promise<number> {
  const { topology, log } = deps;
  const queue = topology.jobQueue(job);
  if ((await messagesWaiting(model, queue)) === undefined) return 0;
  await onQueue(model, (channel) => channel.deleteQueue(queue));
  await removeKept(model, deps, job);
  await log.write({ type: 'removed', job });
  return 1;
}

/** Workers remove their own queues; those that died did not. */
async function removeKept(model: ChannelModel, { log }: RemovalDeps, job: JobRef): Promise<void> {
  for (const kept of log.keptQueues(job)) await onQueue(model, (channel) => channel.deleteQueue(kept));
}
