/** How long calls take here, and what follows from it for how many a worker takes and keeps. */

/** Calls shorter than this may wait behind one another: the way to the broker costs as much. */
const SHORT_MS = 50;
const AHEAD_MESSAGES = 4;
/** Calls that would wait here for longer are put back into the queue, where other workers see them. */
const MAX_WAIT_MS = 500;
/** Work in one message that is put back. */
const PIECE_MS = 100;
const MAX_PIECE_CALLS = 256;
/** When nothing is known of their length, calls that wait go back in so many messages. */
const UNKNOWN_PIECES = 8;
/** What the shortest call costs: its status, its part of a message. */
const LEAST_MS = 0.1;
/** One call counts for at most this many times the average: a process that was kept waiting says little about calls. */
const MAX_LEAP = 8;

export class CallPace {
  readonly #slots: number;
  #averageMs: number | undefined;
  #short = false;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** A call ran so long. */
  ended(ms: number): void {
    const took = Math.max(LEAST_MS, ms);
    const average = this.#averageMs;
    this.#averageMs = average === undefined ? took : 0.8 * average + 0.2 * Math.min(took, MAX_LEAP * average);
  }

  /**
   * How many messages to hold. Each of them has at least one call that runs, so that one for every slot keeps all busy;
   * of short calls a few more, for the time that the broker takes to send the next.
   */
  get messages(): number {
    if (this.#averageMs !== undefined) {
      if (this.#averageMs < SHORT_MS) this.#short = true;
      else if (this.#averageMs > 2 * SHORT_MS) this.#short = false;
    }
    return this.#short ? 2 * this.#slots + AHEAD_MESSAGES : this.#slots;
  }

  /** How many calls that wait here may stay; they have waited for `waitedMs`. */
  stay(waiting: number, waitedMs: number): number {
    if (this.#averageMs === undefined) return waitedMs > MAX_WAIT_MS ? 0 : waiting;
    const perMs = this.#slots / this.#averageMs;
    return waiting / perMs > MAX_WAIT_MS ? Math.floor((perMs * MAX_WAIT_MS) / 2) : waiting;
  }

  /** Calls in one message, when `calls` are put back. */
  pieceCalls(calls: number): number {
    if (this.#averageMs === undefined) return Math.max(1, Math.ceil(calls / UNKNOWN_PIECES));
    return Math.min(MAX_PIECE_CALLS, Math.max(1, Math.floor(PIECE_MS / this.#averageMs)));
  }
}
