/**
 * An executor's status as a RabbitMQ stream, `splitrock.<tenant>.status.<executorId>`: a message for each segment, with
 * the headers `j` (job number), `w` (worker id), `n` (its number), `s` (how many segments are in storage before it).
 * A message without these is a mark: see `StreamConsumer`.
 */
import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib';
import type { JobRef, StatusMessage } from '@splitrock/core/plugin';
import { isNotFound } from './rabbitmq-errors.ts';

/** Retention drops whole segments; with the default of 500 MB a stream would never be rid of anything. */
const STREAM_SEGMENT_BYTES = 16 * 1024 * 1024;

export const streamName = (tenant: string, executorId: string): string => `splitrock.${tenant}.status.${executorId}`;

/** Makes a stream. One that is there with other arguments stays as it is. */
export async function makeStream(model: ChannelModel, name: string, keepForHours: number): Promise<void> {
  const stream = {
    'x-queue-type': 'stream',
    'x-max-age': `${Math.ceil(keepForHours * 3_600)}s`,
    'x-stream-max-segment-size-bytes': STREAM_SEGMENT_BYTES,
  };
  try {
    await withChannel(model, (channel) => channel.assertQueue(name, { durable: true, arguments: stream }));
  } catch (error) {
    // Two made it at once, with different options.
    if (!/inequivalent arg/.test(String(error))) throw error;
  }
}

export async function streamExists(model: ChannelModel, name: string): Promise<boolean> {
  try {
    await withChannel(model, (channel) => channel.checkQueue(name));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Runs an operation on a channel of its own: one that fails takes its channel with it. */
export async function withChannel<T>(model: ChannelModel, action: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await model.createChannel();
  let broken = false;
  channel.on('error', () => (broken = true));
  channel.on('close', () => (broken = true));
  try {
    return await action(channel);
  } finally {
    if (!broken) await channel.close();
  }
}

/** Publishes to a queue and waits for the broker's word; false when there is no such queue. */
export function publishTo(
  channel: ConfirmChannel,
  queue: string,
  content: Uint8Array,
  options: Options.Publish & { readonly messageId: string },
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let found = true;
    // The broker returns what it cannot route before it confirms it.
    const onReturn = ({ properties }: { readonly properties: { readonly messageId?: unknown } }): void => {
      if (properties.messageId === options.messageId) found = false;
    };
    channel.on('return', onReturn);
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    try {
      channel.sendToQueue(queue, bytes, { persistent: true, mandatory: true, ...options }, (error: Error | null) => {
        channel.off('return', onReturn);
        if (error === null) resolve(found);
        else reject(error);
      });
    } catch (error) {
      // A channel that is closed already throws.
      channel.off('return', onReturn);
      reject(error);
    }
  });
}

export const headersOf = (job: JobRef, { workerId, number, stored }: StatusMessage): Record<string, unknown> => ({
  j: job.jobNumber,
  w: workerId,
  n: number,
  s: stored,
});

/** A message with the number of its job, or `undefined` for one that is none of ours. */
export function readMessage({
  content,
  properties,
}: ConsumeMessage): { readonly jobNumber: number; readonly message: StatusMessage } | undefined {
  const { j, w, n, s } = properties.headers ?? {};
  if (!Number.isInteger(j) || typeof w !== 'string' || !Number.isInteger(n) || !Number.isInteger(s)) return undefined;
  return {
    jobNumber: j as number,
    message: { workerId: w, number: n as number, stored: s as number, segment: content },
  };
}

/** Where a message stands in its stream. */
export const offsetOf = ({ properties }: ConsumeMessage): number => Number(properties.headers?.['x-stream-offset']);
