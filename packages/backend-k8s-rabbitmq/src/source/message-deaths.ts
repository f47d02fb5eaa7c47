/** How many workers died holding a message, as its headers tell. */
import type { Message } from 'amqplib';
import type { CallMessage } from '../protocol/call-message.ts';

interface DeathHeader {
  readonly reason?: string;
  readonly count?: number;
}

/**
 * A quorum queue counts how often a message came back (https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling);
 * a message that a dead worker had kept went back to its job's queue by expiring. What was on its way to a consumer when
 * that was cancelled is counted as well, though nobody died: it costs a range its being one.
 */
export function deathsOf({ properties }: Message, message: CallMessage): number {
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const returned = Number(headers['x-delivery-count'] ?? 0);
  const expired = ((headers['x-death'] ?? []) as readonly DeathHeader[])
    .filter(({ reason }) => reason === 'expired')
    .reduce((sum, { count = 1 }) => sum + count, 0);
  return message.deaths + returned + expired;
}
