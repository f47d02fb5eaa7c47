/** Calls that this worker has got and not answered for, and the answers that are on their way to the master. */
import type { CallRange, LossReason } from '@splitrock/core/plugin';
import { AttemptSets } from '../leases/attempt-sets.ts';

export type AnswerType = 's' | 'd' | 'b';
export type AnswerTuple = ['s' | 'd' | 'b', number, number, number, 0 | LossReason];

export class HeldCalls {
  readonly #held = new AttemptSets();
  readonly #started = new AttemptSets();
  #answers: AnswerTuple[] = [];

  get size(): number {
    return this.#held.size;
  }

  /** Whether there are answers to send. */
  get hasAnswers(): boolean {
    return this.#answers.length > 0;
  }

  /** As the master must know them when it knows nothing. */
  get list(): [number, number, number, 0 | 1][] {
    const waiting = new AttemptSets();
    for (const each of this.#held.list) waiting.add(each);
    for (const each of this.#started.list) waiting.remove(each);
    return [
      ...this.#started.list.map(
        ({ attempt, calls }) => [attempt, calls.from, calls.to, 1] as [number, number, number, 1],
      ),
      ...waiting.list.map(({ attempt, calls }) => [attempt, calls.from, calls.to, 0] as [number, number, number, 0]),
    ];
  }

  /** What of these calls is not held already: a master that took us for dead may give us what we have. */
  take(attempt: number, calls: CallRange): readonly CallRange[] {
    const fresh = this.#held.missing({ attempt, calls });
    this.#held.add({ attempt, calls });
    return fresh;
  }

  started(attempt: number, callId: number): void {
    const calls = { from: callId, to: callId + 1 };
    if (this.#held.common({ attempt, calls }).length === 0) return;
    this.#started.add({ attempt, calls });
    this.#add('s', attempt, callId, undefined);
  }

  /** Whether the call was held until now. */
  answer(type: 'd' | 'b', attempt: number, callId: number, reason?: LossReason): boolean {
    const calls = { from: callId, to: callId + 1 };
    if (this.#held.remove({ attempt, calls }).length === 0) return false;
    this.#started.remove({ attempt, calls });
    this.#add(type, attempt, callId, reason);
    return true;
  }

  /** The answers since the last time, those of neighbours as one. */
  takeAnswers(most: number): AnswerTuple[] {
    return this.#answers.splice(0, most);
  }

  /** They did not reach the master. */
  putBack(answers: readonly AnswerTuple[]): void {
    this.#answers.unshift(...answers);
  }

  #add(type: AnswerType, attempt: number, callId: number, reason: LossReason | undefined): void {
    const last = this.#answers.at(-1);
    if (
      last !== undefined &&
      last[0] === type &&
      last[1] === attempt &&
      last[3] === callId &&
      last[4] === 0 &&
      reason === undefined
    ) {
      last[3] = callId + 1;
    } else this.#answers.push([type, attempt, callId, callId + 1, reason ?? 0]);
  }
}
