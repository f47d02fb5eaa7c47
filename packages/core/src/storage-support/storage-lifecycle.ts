/** Open until closed: what every storage's methods check first. */
import { IllegalStateError } from '../errors/splitrock-error.ts';

export class StorageLifecycle {
  readonly #name: string;
  readonly #closing = new AbortController();

  /** @param name the storage's name, for the message. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Aborts, with the error that later calls get, when the storage is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** @throws IllegalStateError `ILLEGAL_STATE` once closed; the signal's reason once that aborted. */
  check(signal?: AbortSignal): void {
    this.#closing.signal.throwIfAborted();
    signal?.throwIfAborted();
  }

  /** Returns false when it was closed before. */
  close(): boolean {
    if (this.closed) return false;
    this.#closing.abort(
      new IllegalStateError('ILLEGAL_STATE', `Storage ${this.#name} is closed; create another one to go on.`),
    );
    return true;
  }
}
