/** Status and answers on their way to the master: one report at a time, and what comes meanwhile goes into the next. */
import { encodeStatusSegment, type StatusEvent } from '@splitrock/core/plugin';
import { MAX_REQUEST_BYTES } from '../protocol/refusals.ts';
import type { AnswerTuple, HeldCalls } from './held-calls.ts';

/** Most bytes of status in one report; a single event may be larger. */
const REPORT_BYTES = 1024 * 1024;
const MOST_ANSWERS = 20_000;

export interface Report {
  readonly number: number;
  readonly answers: readonly AnswerTuple[];
  readonly segments: readonly Uint8Array[];
}

export class ReportOutbox {
  readonly #workerId: string;
  readonly #held: HeldCalls;
  #segments: Uint8Array[] = [];
  #number = 0;
  /** Sent, and not known to have arrived. */
  #current: Report | undefined;

  constructor(workerId: string, held: HeldCalls) {
    this.#workerId = workerId;
    this.#held = held;
  }

  get isEmpty(): boolean {
    return this.#current === undefined && this.#segments.length === 0 && !this.#held.hasAnswers;
  }

  /** An event that no request has room for is left to monitoring; its client looks there. */
  add(events: readonly StatusEvent[]): void {
    if (events.length === 0) return;
    const segment = encodeStatusSegment(this.#workerId, events);
    if (segment.length <= REPORT_BYTES) {
      this.#segments.push(segment);
    } else if (events.length > 1) {
      const half = Math.ceil(events.length / 2);
      this.add(events.slice(0, half));
      this.add(events.slice(half));
    } else if (segment.length < MAX_REQUEST_BYTES - REPORT_BYTES) this.#segments.push(segment);
  }

  /** The report that is to be sent now: again the last one, until it has arrived. */
  next(): Report {
    if (this.#current !== undefined) return this.#current;
    let bytes = 0;
    let count = 0;
    while (count < this.#segments.length && (count === 0 || bytes + this.#lengthOf(count) <= REPORT_BYTES)) {
      bytes += this.#lengthOf(count);
      count += 1;
    }
    const segments = this.#segments.splice(0, count);
    // Answers never overtake the status of their calls.
    const answers = this.#segments.length > 0 ? [] : this.#held.takeAnswers(MOST_ANSWERS);
    this.#current = { number: this.#number, answers, segments };
    this.#number += 1;
    return this.#current;
  }

  arrived(): void {
    this.#current = undefined;
  }

  #lengthOf(index: number): number {
    return this.#segments[index]?.length ?? 0;
  }
}
