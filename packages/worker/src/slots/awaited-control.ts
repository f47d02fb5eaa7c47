/**
 * Hands calls to a slot process whose control thread is not started yet, and has it started before it is needed.
 *
 * Nobody could take back a call that waits in such a slot behind one that blocks it. So calls that would wait stay here
 * until the slot is seen to answer, and go to it behind the message that starts the thread. Calls that begin at once, as
 * long ones do, never need it.
 */
import type { SlotCalls, SlotControl } from '../protocol/slot-messages.ts';

export class AwaitedControl {
  readonly #callsPerProcess: number;
  readonly #send: (message: SlotCalls | SlotControl) => void;
  #started = false;
  /** Sent and not finished. */
  #running = 0;
  #held: SlotCalls | undefined;
  /** Calls were taken back from here: the slot has not seen their numbers. */
  #gap = false;

  constructor(callsPerProcess: number, send: (message: SlotCalls | SlotControl) => void) {
    this.#callsPerProcess = callsPerProcess;
    this.#send = send;
  }

  run({ firstSequence, calls }: SlotCalls): void {
    if (!this.#started && this.#running === 0 && calls.length > this.#callsPerProcess) this.#startControl();
    const room = this.#held === undefined ? this.#callsPerProcess - this.#running : 0;
    const atOnce = this.#started ? calls.length : Math.min(calls.length, room);
    if (atOnce > 0) this.#hand(firstSequence, calls.slice(0, atOnce));
    const rest = calls.slice(atOnce);
    if (rest.length === 0) return;
    const { firstSequence: first, calls: before } = this.#held ?? { firstSequence: firstSequence + atOnce, calls: [] };
    this.#held = { type: 'calls', firstSequence: first, calls: [...before, ...rest] };
  }

  /** One of its calls has ended: it answers. */
  finished(): void {
    this.#running -= 1;
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#startControl();
    this.#hand(held.firstSequence, held.calls);
  }

  /** Takes back what is held here; `undefined` when the slot itself must be asked. */
  recall(): { readonly fromSequence: number | undefined } | undefined {
    if (this.#started) return undefined;
    const fromSequence = this.#held?.firstSequence;
    if (fromSequence !== undefined) this.#gap = true;
    this.#held = undefined;
    return { fromSequence };
  }

  #startControl(): void {
    if (!this.#started) this.#send({ type: 'control' });
    this.#started = true;
  }

  #hand(firstSequence: number, calls: SlotCalls['calls']): void {
    this.#running += calls.length;
    this.#send({ type: 'calls', firstSequence, calls, ...(this.#gap ? { afterGap: true } : {}) });
    this.#gap = false;
  }
}
