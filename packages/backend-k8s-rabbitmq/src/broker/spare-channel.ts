/** A channel that is open before it is needed: whoever takes it does not wait for the broker to open one. */
import type { Channel, ChannelModel } from 'amqplib';

export class SpareChannel {
  #spare: { readonly model: ChannelModel; readonly channel: Promise<Channel> } | undefined;

  /** Opens one, unless one is there. */
  prepare(model: ChannelModel): void {
    if (this.#spare?.model !== model) this.#spare = { model, channel: open(model) };
  }

  /** The spare one, which is the taker's from now on; another is opened. */
  take(model: ChannelModel): Promise<Channel> {
    const channel = this.#spare?.model === model ? this.#spare.channel : open(model);
    this.#spare = undefined;
    this.prepare(model);
    return channel;
  }
}

function open(model: ChannelModel): Promise<Channel> {
  const channel = attempt(model);
  // Whoever takes it hears of it.
  channel.catch(() => undefined);
  return channel;
}

async function attempt(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  return channel;
}
