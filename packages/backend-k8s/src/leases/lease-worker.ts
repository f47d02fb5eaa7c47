/** A worker as the master sees it. */
import { AttemptSets } from './attempt-sets.ts';
import type { AttemptCalls } from './lease-events.ts';
import { rangeSize } from './pending-calls.ts';

export class LeaseWorker {
  readonly id: string;
  readonly slots: number;
  /** Calls that it has not answered for. */
  readonly held = new AttemptSets();
  /** Of these, those that it is known to have begun. */
  readonly started = new AttemptSets();
  #aliveUntilMs: number;
  #room = 0;
  #suspects = 0;
  /** Since when it has run what it holds, as far as answers tell. */
  #busySinceMs = 0;

  constructor(id: string, slots: number, aliveUntilMs: number) {
    this.id = id;
    this.slots = slots;
    this.#aliveUntilMs = aliveUntilMs;
  }

  /** It is taken for dead when it is not heard of until then. */
  get aliveUntilMs(): number {
    return this.#aliveUntilMs;
  }

  /** How many calls it would take now. */
  get room(): number {
    return this.#room;
  }

  /** How many of these it would begin at once. */
  get idleSlots(): number {
    return Math.max(0, Math.min(this.#room, this.slots - this.heldCalls));
  }

  get heldCalls(): number {
    return this.held.size;
  }

  /** Whether it holds a call of which several workers died. */
  get hasSuspect(): boolean {
    return this.#suspects > 0;
  }

  renew(aliveUntilMs: number, room: number = this.#room): void {
    this.#aliveUntilMs = aliveUntilMs;
    this.#room = room;
  }

  hurry(aliveUntilMs: number): void {
    this.#aliveUntilMs = Math.min(this.#aliveUntilMs, aliveUntilMs);
  }

  lease(calls: AttemptCalls, isSuspect: boolean, nowMs: number): void {
    if (this.heldCalls === 0) this.#busySinceMs = nowMs;
    this.hold(calls);
    this.#room -= rangeSize(calls.calls);
    if (isSuspect) this.#suspects += 1;
  }

  hold(calls: AttemptCalls): void {
    this.held.add(calls);
  }

  /** How long each of the calls took that it has just done, if all its slots were at work; before {@link answered}. */
  took(calls: number, nowMs: number): number {
    const busyMs = nowMs - this.#busySinceMs;
    this.#busySinceMs = nowMs;
    return (busyMs * Math.min(this.slots, this.heldCalls)) / Math.max(1, calls);
  }

  start({ attempt, calls }: AttemptCalls): void {
    for (const range of this.held.common({ attempt, calls })) this.started.add({ attempt, calls: range });
  }

  answered(of: AttemptCalls, isSuspect: (callId: number) => boolean): void {
    for (const range of this.held.remove(of)) {
      for (let callId = range.from; this.#suspects > 0 && callId < range.to; callId += 1) {
        if (isSuspect(callId)) this.#suspects -= 1;
      }
    }
    this.started.remove(of);
  }
}
