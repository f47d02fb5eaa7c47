/**
 * Decides when a worker process is started, started again, or given up. Pure; the backend performs what it says.
 *
 * - `idle`: there is no worker and none is wanted. Left when one is wanted.
 * - `starting`: a process was spawned and has not yet offered room for calls. Left when it does, or when it exits.
 * - `ready`: calls can be delivered. Left when the process exits.
 * - `pausing`: a process has just exited and the next is spawned after a delay. Left when the delay is over.
 * - `stopped`: for good; every event is ignored.
 *
 * A process that exits without having begun a single call is a failure, whether or not it got ready: else a worker that
 * dies of, say, unreachable storage would be restarted for ever while the jobs wait without a word.
 */
import type { LossReason } from '@splitrock/core/plugin';

/** Failures in a row after which those who wait are told that no worker can be started. */
export const MAX_START_FAILURES = 3;
const FIRST_DELAY_MS = 100;

export type LifecycleEvent =
  /** Calls have come, or will soon. */
  | { readonly type: 'wanted' }
  | { readonly type: 'ready' }
  /** A call has begun: this worker is good. */
  | { readonly type: 'progressed' }
  | { readonly type: 'exited'; readonly reason: LossReason; readonly hasWork: boolean }
  | { readonly type: 'paused'; readonly hasWork: boolean }
  | { readonly type: 'stopped' };

export type LifecycleInstruction =
  | { readonly type: 'spawn' }
  /** Send `paused` after this time. */
  | { readonly type: 'pause'; readonly delayMs: number }
  /** Tell everybody who waits. */
  | { readonly type: 'give-up'; readonly failures: number; readonly reason: LossReason }
  /** What `give-up` told is no longer true. */
  | { readonly type: 'recovered' };

export class WorkerLifecycle {
  #state: 'idle' | 'starting' | 'ready' | 'pausing' | 'stopped' = 'idle';
  /** Processes in a row that exited without having begun a call. */
  #failures = 0;
  #gaveUp = false;

  get state(): string {
    return this.#state;
  }

  handle(event: LifecycleEvent): readonly LifecycleInstruction[] {
    if (this.#state === 'stopped') return [];
    switch (event.type) {
      case 'wanted':
        return this.#state === 'idle' ? this.#spawn() : [];
      case 'ready':
        return this.#becomeReady();
      case 'progressed':
        this.#failures = 0;
        return [];
      case 'exited':
        return this.#exit(event.reason, event.hasWork);
      case 'paused':
        if (event.hasWork) return this.#spawn();
        this.#state = 'idle';
        return [];
      case 'stopped':
        this.#state = 'stopped';
        return [];
    }
  }

  #spawn(): readonly LifecycleInstruction[] {
    this.#state = 'starting';
    return [{ type: 'spawn' }];
  }

  #becomeReady(): readonly LifecycleInstruction[] {
    this.#state = 'ready';
    if (!this.#gaveUp) return [];
    this.#gaveUp = false;
    return [{ type: 'recovered' }];
  }

  #exit(reason: LossReason, hasWork: boolean): readonly LifecycleInstruction[] {
    const wasGood = this.#state === 'ready' && this.#failures === 0;
    this.#failures = hasWork ? this.#failures + 1 : 0;
    this.#state = 'idle';
    if (!hasWork) return [];
    if (this.#failures >= MAX_START_FAILURES) {
      const failures = this.#failures;
      this.#failures = 0;
      this.#gaveUp = true;
      return [{ type: 'give-up', failures, reason }];
    }
    if (wasGood) return this.#spawn();
    this.#state = 'pausing';
    return [{ type: 'pause', delayMs: FIRST_DELAY_MS * 2 ** (this.#failures - 1) }];
  }
}
