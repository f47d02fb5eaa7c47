import type { Logger } from '../contracts/logger.ts';
import { MonitoringError } from '../errors/splitrock-error.ts';
import type { StatusEvent } from '../wire/status-event.ts';

export interface StatusListenerSetup {
  readonly logger: Logger;
  readonly onEvents: (events: readonly StatusEvent[]) => void;
  readonly onTrouble: (error: Error) => void;
}

/** A subscriber's callbacks, guarded: they may throw without breaking the delivery, and are silent once muted. */
export class StatusListener {
  readonly #setup: StatusListenerSetup;
  #muted = false;

  constructor(setup: StatusListenerSetup) {
    this.#setup = setup;
  }

  /** From now on nothing reaches the subscriber. */
  mute(): void {
    this.#muted = true;
  }

  deliver(events: readonly StatusEvent[]): void {
    if (this.#muted || events.length === 0) return;
    try {
      this.#setup.onEvents(events);
    } catch (cause) {
      const message = 'The listener for status events threw; the events it was given are not delivered again.';
      this.trouble(new MonitoringError('INTERNAL', message, { cause }));
    }
  }

  trouble(error: Error): void {
    if (this.#muted) return;
    try {
      this.#setup.onTrouble(error);
    } catch (cause) {
      const facts = { trouble: error.message, error: String(cause) };
      this.#setup.logger.error('The listener for monitoring trouble threw', facts);
    }
  }
}
