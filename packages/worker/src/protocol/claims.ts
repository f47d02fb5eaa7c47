/**
 * Which of the calls handed to a slot have begun, agreed on by two threads without a message.
 *
 * A slot's main thread claims each call right before it runs it; its control thread can revoke all that are not
 * claimed yet, also while the main thread is in a busy loop. One atomic word decides: the number of the next call to
 * begin, or {@link REVOKED}. So a call handed to a slot is run there or given elsewhere, never both.
 */
const REVOKED = -1;

export class Claims {
  readonly #next: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.#next = new Int32Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#next.buffer;
  }

  /** Main thread: takes call number `sequence`, which follows the last one taken; false if it was revoked. */
  claim(sequence: number): boolean {
    return Atomics.compareExchange(this.#next, 0, sequence, sequence + 1) === sequence;
  }

  /** Main thread: goes on with `sequence`, because the numbers before it are for nobody. What is revoked stays revoked. */
  skipTo(sequence: number): void {
    const next = Atomics.load(this.#next, 0);
    if (next !== REVOKED) Atomics.compareExchange(this.#next, 0, next, sequence);
  }

  /** Control thread: revokes all that are not claimed; returns the first number revoked, undefined if all are already. */
  revoke(): number | undefined {
    const next = Atomics.exchange(this.#next, 0, REVOKED);
    return next === REVOKED ? undefined : next;
  }

  /** Main thread: whether its waiting calls were revoked; if so, numbering goes on with `sequence`. */
  resumeAfterRevocation(sequence: number): boolean {
    return Atomics.compareExchange(this.#next, 0, REVOKED, sequence) === REVOKED;
  }
}
