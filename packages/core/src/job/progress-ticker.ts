/** Tells progress at most a few times a second, and only if somebody listens. */
import type { Clock, ClockTimer } from '../contracts/clock.ts';
import type { JobEmitter } from './job-events.ts';
import type { JobCounts } from './job-machine.ts';

const INTERVAL_MS = 150;

export class ProgressTicker {
  readonly #emitter: JobEmitter;
  readonly #clock: Clock;
  readonly #counts: () => JobCounts;
  #timer: ClockTimer | undefined;

  constructor(emitter: JobEmitter, clock: Clock, counts: () => JobCounts) {
    this.#emitter = emitter;
    this.#clock = clock;
    this.#counts = counts;
  }

  changed(): void {
    if (this.#timer !== undefined || !this.#emitter.has('job:progress')) return;
    this.#emitter.emit('job:progress', this.#counts());
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      this.#emitter.emit('job:progress', this.#counts());
    }, INTERVAL_MS);
  }

  /** The last counts, now. */
  finish(): void {
    this.stop();
    if (this.#emitter.has('job:progress')) this.#emitter.emit('job:progress', this.#counts());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
