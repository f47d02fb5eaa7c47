import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, ClockTimer } from '@splitrock/core/plugin';

interface Timer {
  readonly dueAtMs: number;
  readonly callback: () => void;
}

/** How often the event loop turns after a timer fired, so that what it began in memory can finish. */
const TURNS_AFTER_TIMER = 3;

/** A clock that stands still until it is told to advance; timers then fire in order, each at its time. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimer(callback: () => void, delayMs: number): ClockTimer {
    const timer: Timer = { dueAtMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Lets time pass; resolves when every timer due until then has fired and its work in memory is done. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await turns();
    for (let timer = this.#nextDue(untilMs); timer !== undefined; timer = this.#nextDue(untilMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueAtMs);
      timer.callback();
      await turns();
    }
    this.#nowMs = untilMs;
  }

  #nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAtMs <= untilMs && (next === undefined || timer.dueAtMs < next.dueAtMs)) next = timer;
    }
    return next;
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS_AFTER_TIMER; turn += 1) await nextTurn();
}
