/** The last one out switches off the light: what a pool has in the broker goes when nobody uses it and no job is left. */
import type { ChannelModel } from 'amqplib';
import type { ConfirmedPublisher } from './confirmed-publisher.ts';
import type { PoolLog } from './pool-log.ts';
import { POOL_KEY, isAnyonePresent, type Presence } from './presence.ts';
import type { Topology } from './topology.ts';

export interface LeavePoolDeps {
  readonly topology: Topology;
  readonly publisher: ConfirmedPublisher;
  readonly presence: Presence;
  readonly log: PoolLog;
}

/**
 * Whoever leaves says so first, then reads what the log says of jobs, and asks at last: of two that leave at once, one at
 * least sees that nobody is there and nothing left.
 */
export async function leavePool(
  model: ChannelModel,
  { topology, publisher, presence, log }: LeavePoolDeps,
  areJobsLeft: () => boolean,
): Promise<void> {
  await presence.leave(POOL_KEY);
  await log.catchUp();
  if (areJobsLeft() || (await isAnyonePresent(topology, publisher, POOL_KEY))) return;
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  await channel.deleteExchange(topology.presence);
  // Last: readers of the log, this process among them, take its end for the connection's.
  await channel.deleteQueue(topology.log);
}
