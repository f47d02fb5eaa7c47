/** Calls that wait for a worker, in the order in which they are to run. */
import { CallRangeSet, type CallRange } from '@splitrock/core/plugin';
import type { AttemptCalls, CancelTarget, Submission } from './lease-events.ts';

export interface PendingPiece {
  readonly submission: Submission;
  readonly calls: CallRange;
}

export class PendingCalls {
  #pieces: PendingPiece[] = [];
  #size = 0;

  /** How many calls wait. */
  get size(): number {
    return this.#size;
  }

  append(piece: PendingPiece): void {
    this.#pieces.push(piece);
    this.#size += rangeSize(piece.calls);
  }

  /** Calls that came back: they have waited longest. */
  prepend(pieces: readonly PendingPiece[]): void {
    this.#pieces.unshift(...pieces);
    for (const { calls } of pieces) this.#size += rangeSize(calls);
  }

  /**
   * The first calls that may be taken, at most `count` of one piece.
   * @param accepts - how many calls from the beginning of these may be taken; 0: none of this piece.
   */
  take(count: number, accepts: (piece: PendingPiece) => number): PendingPiece | undefined {
    for (const [index, piece] of this.#pieces.entries()) {
      const taken = Math.min(count, accepts(piece), rangeSize(piece.calls));
      if (taken < 1) continue;
      const { submission, calls } = piece;
      const split = calls.from + taken;
      if (split === calls.to) this.#pieces.splice(index, 1);
      else this.#pieces[index] = { submission, calls: { from: split, to: calls.to } };
      this.#size -= taken;
      return { submission, calls: { from: calls.from, to: split } };
    }
    return undefined;
  }

  drop({ calls, attempt }: CancelTarget): void {
    this.#keep(({ submission, calls: waiting }) => {
      if (attempt !== undefined && attempt !== submission.attempt) return [waiting];
      return calls === undefined ? [] : without(waiting, calls);
    });
  }

  remove({ attempt, calls }: AttemptCalls): void {
    if (this.#pieces.length > 0) this.drop({ attempt, calls: [calls] });
  }

  #keep(keep: (piece: PendingPiece) => readonly CallRange[]): void {
    this.#pieces = this.#pieces.flatMap((piece) =>
      keep(piece).map((calls) => ({ submission: piece.submission, calls })),
    );
    this.#size = this.#pieces.reduce((sum, { calls }) => sum + rangeSize(calls), 0);
  }
}

export const rangeSize = ({ from, to }: CallRange): number => to - from;

function without(calls: CallRange, removed: readonly CallRange[]): readonly CallRange[] {
  const rest = new CallRangeSet([calls]);
  for (const range of removed) rest.remove(range);
  return rest.ranges;
}
