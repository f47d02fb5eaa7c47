/**
 * The state of every call of a job in a few bytes each: a job of a million calls must stay cheap.
 */
export const PHASE = {
  /** Its input is not complete yet. */
  waiting: 0,
  /** It may be submitted. */
  ready: 1,
  /** Submitted; its attempt is the backend's. */
  inFlight: 2,
  /** A retry is due later. */
  backoff: 3,
  /** It has its one visible outcome. */
  settled: 4,
} as const;

export type Phase = (typeof PHASE)[keyof typeof PHASE];

const FIRST_CAPACITY = 64;

/** Columns that grow together. All numbers start at 0. */
export class CallStates {
  #capacity = FIRST_CAPACITY;
  #phase = new Uint8Array(FIRST_CAPACITY);
  #attempt = new Uint16Array(FIRST_CAPACITY);
  #failures = new Uint16Array(FIRST_CAPACITY);
  #losses = new Uint8Array(FIRST_CAPACITY);
  #vanished = new Uint8Array(FIRST_CAPACITY);
  #started = new Uint8Array(FIRST_CAPACITY);
  #size = 0;

  /** One more than the highest call id seen. */
  get size(): number {
    return this.#size;
  }

  ensure(size: number): void {
    if (size > this.#capacity) {
      this.#capacity = Math.max(size, this.#capacity * 2);
      this.#phase = grow(this.#phase, this.#capacity);
      this.#attempt = grow(this.#attempt, this.#capacity);
      this.#failures = grow(this.#failures, this.#capacity);
      this.#losses = grow(this.#losses, this.#capacity);
      this.#vanished = grow(this.#vanished, this.#capacity);
      this.#started = grow(this.#started, this.#capacity);
    }
    this.#size = Math.max(this.#size, size);
  }

  phase(callId: number): Phase {
    return this.#phase[callId] as Phase;
  }

  setPhase(callId: number, phase: Phase): void {
    this.#phase[callId] = phase;
  }

  /** The latest attempt's number; 0 before the first. */
  attempt(callId: number): number {
    return this.#attempt[callId] as number;
  }

  /** Enters a new attempt, which has not started. */
  beginAttempt(callId: number, attempt: number): void {
    this.#attempt[callId] = attempt;
    this.#started[callId] = 0;
    this.#phase[callId] = PHASE.inFlight;
  }

  hasStarted(callId: number): boolean {
    return this.#started[callId] === 1;
  }

  markStarted(callId: number): void {
    this.#started[callId] = 1;
  }

  /** Attempts that ended by the function's error or a timeout. */
  addFailure(callId: number): number {
    return (this.#failures[callId] = Math.min(65_535, (this.#failures[callId] as number) + 1));
  }

  /** Attempts whose worker died while they ran. */
  addLoss(callId: number): number {
    return (this.#losses[callId] = Math.min(255, (this.#losses[callId] as number) + 1));
  }

  /** Attempts that disappeared before they were seen to start. */
  addVanished(callId: number): number {
    return (this.#vanished[callId] = Math.min(255, (this.#vanished[callId] as number) + 1));
  }

  /** Gives a settled call its budgets back. */
  reopen(callId: number): void {
    this.#phase[callId] = PHASE.ready;
    this.#failures[callId] = 0;
    this.#losses[callId] = 0;
    this.#vanished[callId] = 0;
  }
}

/** A copy of a column with room for `capacity` entries. */
export function grow<T extends Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array>(
  column: T,
  capacity: number,
): T {
  const larger = new (column.constructor as new (length: number) => T)(capacity);
  larger.set(column);
  return larger;
}
