/**
 * Bounds how many segments are read and held at once. Whoever asks waits, in order, for one permit and gets as many more
 * as are free and nobody waits for; so one worker's backlog uses all the room there is and gives way to others.
 */
export class ReadPermits {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(total: number) {
    this.#free = total;
  }

  /** Runs `task` with 1 to `wanted` permits; they return when it settles. */
  async use<T>(wanted: number, task: (permits: number) => Promise<T>): Promise<T> {
    if (this.#free === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#free -= 1;
    }
    const more = Math.min(wanted - 1, this.#free);
    this.#free -= more;
    try {
      return await task(1 + more);
    } finally {
      this.#release(1 + more);
    }
  }

  #release(permits: number): void {
    for (let released = 0; released < permits; released += 1) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
