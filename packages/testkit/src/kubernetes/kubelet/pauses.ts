import type { Clock } from '@splitrock/core/plugin';

/** Waits by the cluster's clock that end early when what they wait for has become pointless. */
export class Pauses {
  readonly #clock: Clock;
  readonly #wake = new Set<() => void>();
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get ended(): boolean {
    return this.#ended;
  }

  async for(ms: number): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#wake.delete(wake);
        resolve();
      };
      const timer = this.#clock.setTimer(wake, ms);
      this.#wake.add(wake);
    });
  }

  /** Ends every wait, those of the future too. */
  end(): void {
    this.#ended = true;
    for (const wake of this.#wake) wake();
  }
}
