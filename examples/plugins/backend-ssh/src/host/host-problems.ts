/** Which hosts have which failure, so that a diagnosis is taken back when the last host with it has recovered. */
import type { HostFailure } from './host-failure.ts';

export class HostProblems {
  /** By address. */
  readonly #failures = new Map<string, HostFailure>();

  set(address: string, failure: HostFailure): void {
    this.#failures.set(address, failure);
  }

  /** Forgets a host's failure; returns its code if no other host has the same. */
  clear(address: string): string | undefined {
    const code = this.#failures.get(address)?.code;
    this.#failures.delete(address);
    return [...this.#failures.values()].some((other) => other.code === code) ? undefined : code;
  }

  /** All of them, for people. */
  get messages(): readonly string[] {
    return [...this.#failures.values()].map(({ message }) => message);
  }
}
