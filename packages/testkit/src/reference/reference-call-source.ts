/** The worker's half: leases come over the channel to the process that started this worker, answers go back the same way. */
import type { CallReceiver, CallSource } from '@splitrock/core/plugin';
import type { FromWorker, ToWorker } from './messages.ts';

// #region call-source
export class ReferenceCallSource implements CallSource {
  #receiver: CallReceiver | undefined;
  #capacity = 0;
  #sent: Promise<void> = Promise.resolve();

  async start(receiver: CallReceiver): Promise<void> {
    this.#receiver = receiver;
    process.on('message', this.#receive);
    // Whoever started this worker is gone, and with it whoever waits for the calls.
    process.once('disconnect', () => this.#receiver?.shutdown({ graceMs: 0, reason: 'the client is gone' }));
    this.setCapacity(this.#capacity);
  }

  setCapacity(calls: number): void {
    this.#capacity = calls;
    if (this.#receiver !== undefined) this.#send({ type: 'capacity', calls });
  }

  flush(): Promise<void> {
    return this.#sent;
  }

  async stop(): Promise<void> {
    if (this.#receiver === undefined) return;
    this.#receiver = undefined;
    process.off('message', this.#receive);
    await this.#sent;
    if (process.connected) process.disconnect();
  }

  readonly #receive = (message: ToWorker): void => {
    const receiver = this.#receiver as CallReceiver;
    if (message.type === 'cancel') return receiver.cancel(message.target);
    if (message.type === 'end-job') return receiver.endJob(message.job);
    if (message.type === 'shutdown') return receiver.shutdown({ graceMs: message.graceMs, reason: 'the client stops' });
    const { id, lease } = message;
    receiver.deliver({
      ...lease,
      started: (callId) => this.#send({ type: 'started', id, callId }),
      done: (callId) => this.#send({ type: 'done', id, callId }),
      giveBack: (callId, reason) =>
        this.#send({ type: 'given-back', id, callId, ...(reason === undefined ? {} : { reason }) }),
    });
  };

  #send(message: FromWorker): void {
    const sent = new Promise<void>((resolve) => {
      // A peer that is gone sees unanswered calls: nothing is lost by what cannot be sent.
      if (!process.connected || process.send === undefined) resolve();
      else process.send(message, undefined, {}, () => resolve());
    });
    this.#sent = this.#sent.then(() => sent);
  }
}
// #endregion
