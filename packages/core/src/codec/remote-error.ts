/** Stands for an error of a class that this side does not know. */

/**
 * An error that came from another process and whose class is not known here. It has the original's message, stack,
 * cause and own properties; `name` is the name of the original or, where it had none of its own, of its class.
 */
export class RemoteError extends Error {
  constructor(name: string) {
    super();
    Object.defineProperty(this, 'name', { value: name, writable: true, enumerable: false, configurable: true });
  }

  /** The stack as it was where the error was made; empty when it had none. */
  get remoteStack(): string {
    return this.stack ?? '';
  }
}
