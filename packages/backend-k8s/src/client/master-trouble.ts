/** Tells whoever waits that no master answers, and when one does again. */
import type { BackendListener, Clock } from '@splitrock/core/plugin';

const CODE = 'MASTER_UNREACHABLE';
/** One that answers sooner is not worth a word: a start takes a moment. */
const TELL_AFTER_MS = 5_000;

export class MasterTrouble {
  readonly #clock: Clock;
  readonly #listener: Pick<BackendListener, 'diagnosis'>;
  #isTold = false;

  constructor(clock: Clock, listener: Pick<BackendListener, 'diagnosis'>) {
    this.#clock = clock;
    this.#listener = listener;
  }

  told(trouble: { readonly sinceMs: number; readonly error: Error } | undefined): void {
    if (trouble === undefined) {
      if (this.#isTold)
        this.#listener.diagnosis({ severity: 'info', code: CODE, message: 'The master answers again.' });
      this.#isTold = false;
      return;
    }
    const forMs = this.#clock.now() - trouble.sinceMs;
    if (this.#isTold || forMs < TELL_AFTER_MS) return;
    this.#isTold = true;
    const message =
      `The master has not answered for ${Math.round(forMs / 1000)} s: ${trouble.error.message}; ` +
      'calls that run go on. See `kubectl get pods -l splitrock.dev/component=master`, and the option master.access.';
    this.#listener.diagnosis({ severity: 'warning', code: CODE, message });
  }
}
