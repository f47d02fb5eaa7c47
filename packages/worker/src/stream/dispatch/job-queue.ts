/** One job's calls that wait for a worker, in the order in which they are to run, and how many of its calls run. */
import { CallRangeSet, type CallRange, type JobRef } from '@splitrock/core/plugin';
import type { QueuedCalls } from './queued-calls.ts';

export class JobQueue {
  readonly job: JobRef;
  /** The descriptor's bytes; every submission brings the same. */
  readonly descriptor: Uint8Array;
  /** Calls that a worker holds. */
  inFlight = 0;
  /** No more submissions will come. */
  ended = false;
  #pieces: QueuedCalls[] = [];

  constructor(job: JobRef, descriptor: Uint8Array) {
    this.job = job;
    this.descriptor = descriptor;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** How many calls wait. */
  get size(): number {
    return this.#pieces.reduce((sum, { calls }) => sum + calls.to - calls.from, 0);
  }

  /** The piece whose calls are next. */
  get first(): QueuedCalls | undefined {
    return this.#pieces[0];
  }

  append(piece: QueuedCalls): void {
    this.#pieces.push(piece);
  }

  /** Puts calls that came back before all others, in the given order. */
  prepend(pieces: readonly QueuedCalls[]): void {
    this.#pieces.unshift(...pieces);
  }

  /** Cuts up to `count` calls off the front: never more than one piece holds. */
  take(count: number): QueuedCalls | undefined {
    const piece = this.#pieces[0];
    if (piece === undefined) return undefined;
    const { from, to } = piece.calls;
    if (to - from <= count) return this.#pieces.shift();
    this.#pieces[0] = { of: piece.of, calls: { from: from + count, to } };
    return { of: piece.of, calls: { from, to: from + count } };
  }

  /** Drops the calls in `ranges` (all, without) of `attempt` (any, without). */
  drop(ranges: readonly CallRange[] | undefined, attempt: number | undefined): void {
    this.#pieces = this.#pieces.flatMap((piece) => {
      if (attempt !== undefined && piece.of.submission.attempt !== attempt) return [piece];
      if (ranges === undefined) return [];
      return without(piece.calls, ranges).map((calls) => ({ of: piece.of, calls }));
    });
  }

  /** Takes all pieces out. */
  drain(): readonly QueuedCalls[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}

function without(calls: CallRange, ranges: readonly CallRange[]): readonly CallRange[] {
  const rest = new CallRangeSet([calls]);
  for (const range of ranges) rest.remove(range);
  return rest.ranges;
}
