/** Gathers a worker's answers for single calls and turns them into few answers for ranges. */
import { CallRangeSet, type LossReason } from '@splitrock/core/plugin';
import type { AnswerTuple } from './messages.ts';

interface LeaseAnswers {
  readonly started: CallRangeSet;
  readonly done: CallRangeSet;
  readonly givenBack: CallRangeSet;
}

export class AnswerBatch {
  #leases = new Map<number, LeaseAnswers>();
  #lost: AnswerTuple[] = [];

  get isEmpty(): boolean {
    return this.#leases.size === 0 && this.#lost.length === 0;
  }

  started(leaseId: number, callId: number): void {
    this.#of(leaseId).started.add({ from: callId, to: callId + 1 });
  }

  done(leaseId: number, callId: number): void {
    const call = { from: callId, to: callId + 1 };
    const answers = this.#of(leaseId);
    answers.started.remove(call);
    answers.done.add(call);
  }

  givenBack(leaseId: number, callId: number, reason: LossReason | undefined): void {
    if (reason !== undefined) this.#lost.push(['given-back', leaseId, callId, callId + 1, reason]);
    else this.#of(leaseId).givenBack.add({ from: callId, to: callId + 1 });
  }

  /** Everything gathered since the last time. */
  take(): readonly AnswerTuple[] {
    const answers: AnswerTuple[] = [];
    for (const [leaseId, { started, done }] of this.#leases) {
      for (const { from, to } of started.ranges) answers.push(['started', leaseId, from, to]);
      for (const { from, to } of done.ranges) answers.push(['done', leaseId, from, to]);
    }
    // The receiver puts each before what waits; the last range first makes the old order come about.
    for (const [leaseId, { givenBack }] of [...this.#leases].toReversed()) {
      for (const { from, to } of givenBack.ranges.toReversed()) answers.push(['given-back', leaseId, from, to]);
    }
    answers.push(...this.#lost);
    this.#leases = new Map();
    this.#lost = [];
    return answers;
  }

  #of(leaseId: number): LeaseAnswers {
    let answers = this.#leases.get(leaseId);
    if (answers === undefined) {
      answers = { started: new CallRangeSet(), done: new CallRangeSet(), givenBack: new CallRangeSet() };
      this.#leases.set(leaseId, answers);
    }
    return answers;
  }
}
