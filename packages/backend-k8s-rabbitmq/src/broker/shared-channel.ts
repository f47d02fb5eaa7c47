/**
 * A channel for operations that hardly ever fail, so that none waits for one of its own to open and close. One that fails
 * takes the channel along and with it what is under way on it; the next gets a new one.
 */
import type { Channel, ChannelModel } from 'amqplib';

export class SharedChannel {
  #shared: { readonly model: ChannelModel; readonly channel: Promise<Channel> } | undefined;

  of(model: ChannelModel): Promise<Channel> {
    if (this.#shared?.model !== model) this.#shared = { model, channel: this.#open(model) };
    return this.#shared.channel;
  }

  async #open(model: ChannelModel): Promise<Channel> {
    const forget = (): void => {
      if (this.#shared?.model === model) this.#shared = undefined;
    };
    try {
      const channel = await model.createChannel();
      channel.on('error', () => undefined);
      channel.on('close', forget);
      return channel;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
