/**
 * One job's channel on the present connection: its consumers, and the messages they brought.
 *
 * Each job has a channel of its own, because an error of the broker (its queue is gone, a message stayed un-acknowledged
 * for too long) closes the whole channel and makes all it brought the broker's again.
 */
import type { Channel, ConsumeMessage, Message } from 'amqplib';

/** What comes otherwise than by a grant: by the worker's own queue (see `long-calls.ts`), or by looking. */
export const NO_GRANT = 0;
/** A worker takes back whatever it has kept. */
const KEPT_PREFETCH = 10_000;

/** A message as one consumer brought it. */
export interface Delivery {
  readonly grant: number;
  readonly raw: Message;
  readonly consumers: JobConsumers;
}

export interface JobConsumersEvents {
  onOpened(grant: number): void;
  onClosed(grant: number): void;
  onDelivery(delivery: Delivery): void;
  /** The channel is gone. `missing`: the queue is, too. */
  onEnd(end: { readonly missing: boolean; readonly message: string }): void;
}

export class JobConsumers {
  readonly queue: string;
  readonly #events: JobConsumersEvents;
  readonly #bare: Promise<Channel>;
  /** The same, once messages may be taken. */
  readonly #channel: Promise<Channel>;
  /** Known once the channel is open. */
  #open: Channel | undefined;
  /** Grants open and close one after the other. */
  #turn: Promise<void> = Promise.resolve();
  readonly #grants = new Set<number>();
  #kept: Promise<void> | undefined;
  #keptQueue: string | undefined;
  #ended = false;
  #why = '';

  /** No message is taken before `ready`. */
  constructor(channel: Promise<Channel>, queue: string, ready: Promise<unknown>, events: JobConsumersEvents) {
    this.queue = queue;
    this.#events = events;
    this.#bare = this.#watch(channel);
    this.#channel = Promise.all([this.#bare, ready]).then(([opened]) => opened);
    this.#channel.catch((error: Error) => this.#end(error.message));
  }

  /** Lets the broker send `messages` messages, and the next for each one acknowledged. */
  open(grant: number, messages: number, queue = this.queue): void {
    this.#grants.add(grant);
    this.#inTurn(async () => {
      // For the next consumer only. It may be on its way while the job is not ready.
      await (await this.#bare).prefetch(messages);
      const channel = await this.#channel;
      await channel.consume(queue, (raw) => this.#received(grant, raw), { consumerTag: `g${grant}` });
      if (!this.#ended) this.#events.onOpened(grant);
    });
  }

  /** Takes messages from the worker's own queue too; once. Resolves when it does. */
  openKept(queue: string, declare: (channel: Channel) => Promise<void>): Promise<void> {
    this.#kept ??= this.#channel.then(async (channel) => {
      await declare(channel);
      this.#keptQueue = queue;
      this.open(NO_GRANT, KEPT_PREFETCH, queue);
    });
    return this.#kept;
  }

  /** Removes the worker's own queue; nothing of it is held any more. */
  async removeKept(): Promise<void> {
    const queue = this.#keptQueue;
    if (queue !== undefined && !this.#ended) await (await this.#channel).deleteQueue(queue);
  }

  /** Closes a grant. False for one that is not this job's. */
  close(grant: number): boolean {
    if (!this.#grants.delete(grant)) return false;
    this.#inTurn(async () => {
      await (await this.#channel).cancel(`g${grant}`);
      if (!this.#ended) this.#events.onClosed(grant);
    });
    return true;
  }

  acknowledge({ raw }: Delivery): void {
    if (this.#ended) return;
    try {
      this.#open?.ack(raw);
    } catch {
      // The channel has just closed: the message comes again and is known then.
    }
  }

  /**
   * Takes one message, if there is one, and tells whether there was. The count that the broker tells of a quorum queue is
   * seconds old, so this is the only way to know.
   */
  async takeOne(): Promise<boolean> {
    const raw = await (await this.#channel).get(this.queue);
    if (raw !== false && !this.#ended) this.#events.onDelivery({ grant: NO_GRANT, raw, consumers: this });
    return raw !== false;
  }

  /** Closes the channel; `onEnd` is not told. Never rejects. */
  async dispose(): Promise<void> {
    this.#ended = true;
    await this.#bare.then((channel) => channel.close()).catch(() => undefined);
  }

  async #watch(opening: Promise<Channel>): Promise<Channel> {
    const channel = await opening;
    channel.on('error', (error) => (this.#why = error.message));
    channel.on('close', () => this.#end(this.#why));
    this.#open = channel;
    return channel;
  }

  #inTurn(step: () => Promise<void>): void {
    this.#turn = this.#turn.then(step).catch((error: Error) => this.#end(error.message));
  }

  #received(grant: number, raw: ConsumeMessage | null): void {
    if (this.#ended) return;
    if (raw === null) this.#end('NOT_FOUND: the queue was removed');
    else this.#events.onDelivery({ grant, raw, consumers: this });
  }

  #end(message: string): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.dispose();
    this.#events.onEnd({ missing: /NOT.FOUND|404/.test(message), message });
  }
}
