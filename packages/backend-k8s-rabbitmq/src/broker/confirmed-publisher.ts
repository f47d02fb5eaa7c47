/**
 * Publishes so that nothing is lost: what the broker has not confirmed when the connection goes is published again on the
 * next one. The broker may then have a message twice; each carries an id by which receivers know the second one.
 *
 * At most {@link WINDOW} messages are on their way at a time; the rest waits here, which keeps the socket's buffer small.
 */
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import type { Clock, ClockTimer } from '@splitrock/core/plugin';

const WINDOW = 1_000;
/** A broker that refuses a message (its queue is just moving to another node) is asked again after so long. */
const REFUSED_DELAY_MS = 200;

export interface OutgoingMessage {
  /** '' for the default exchange, which routes by the queue's name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly messageId: string;
}

interface Pending {
  readonly message: OutgoingMessage;
  resolve(outcome: PublishOutcome): void;
  reject(error: Error): void;
}

/** `unroutable`: the broker has it nowhere, for there is no such queue. */
export type PublishOutcome = 'stored' | 'unroutable';

export class ConfirmedPublisher {
  readonly #clock: Clock;
  /** Not sent on the present connection; in order. */
  #waiting: Pending[] = [];
  /** Sent, not confirmed; in order. */
  readonly #sent = new Set<Pending>();
  /** Ids of messages that came back and whose confirmation is still to come. */
  readonly #returned = new Set<string>();
  /** Refused by the broker; sent again after a while. */
  #refused: Pending[] = [];
  #channel: ConfirmChannel | undefined;
  #retry: ClockTimer | undefined;
  #closed: Error | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Goes on with a new connection. */
  async attach(model: ChannelModel): Promise<void> {
    const channel = await model.createConfirmChannel();
    // Its end is told by `close`; without a listener the process would end.
    channel.on('error', () => undefined);
    channel.on('close', () => this.#detach(channel));
    // A message that nobody gets is returned before it is confirmed.
    channel.on('return', ({ properties }) => this.#returned.add(String(properties.messageId)));
    this.#detach(this.#channel);
    this.#channel = channel;
    this.#pump();
  }

  /** The connection is gone. */
  detach(): void {
    this.#detach(this.#channel);
  }

  /**
   * Resolves once the broker has the message for good, or has told that there is no queue for it; rejects only when this
   * publisher is closed.
   */
  publish(message: OutgoingMessage): Promise<PublishOutcome> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
      this.#pump();
    });
  }

  /** Whatever was not confirmed rejects with the reason. */
  close(reason: Error): void {
    this.#closed = reason;
    this.#retry?.cancel();
    for (const pending of [...this.#sent, ...this.#waiting, ...this.#refused]) pending.reject(reason);
    this.#sent.clear();
    this.#waiting = [];
    this.#refused = [];
  }

  #detach(channel: ConfirmChannel | undefined): void {
    if (channel === undefined || channel !== this.#channel) return;
    this.#channel = undefined;
    this.#waiting = [...this.#sent, ...this.#waiting];
    this.#sent.clear();
    this.#returned.clear();
  }

  #pump(): void {
    const channel = this.#channel;
    const room = WINDOW - this.#sent.size;
    if (channel === undefined || room <= 0 || this.#waiting.length === 0) return;
    for (const pending of this.#waiting.splice(0, room)) this.#send(channel, pending);
  }

  #send(channel: ConfirmChannel, pending: Pending): void {
    const { exchange, routingKey, content, messageId } = pending.message;
    this.#sent.add(pending);
    try {
      channel.publish(exchange, routingKey, content, { persistent: true, mandatory: true, messageId }, (error) =>
        this.#confirmed(channel, pending, error == null),
      );
    } catch {
      // The channel has just closed; its `close` puts the message back.
    }
  }

  #confirmed(channel: ConfirmChannel, pending: Pending, stored: boolean): void {
    // Of a channel that is gone: it was put back and is, or will be, sent again.
    if (channel !== this.#channel || !this.#sent.delete(pending)) return;
    if (stored) pending.resolve(this.#returned.delete(pending.message.messageId) ? 'unroutable' : 'stored');
    else this.#sendLater(pending);
    this.#pump();
  }

  #sendLater(pending: Pending): void {
    this.#refused.push(pending);
    this.#retry ??= this.#clock.setTimer(() => {
      this.#retry = undefined;
      this.#waiting.push(...this.#refused);
      this.#refused = [];
      this.#pump();
    }, REFUSED_DELAY_MS);
  }
}
