/** Arithmetic on lists of ascending, separate ranges of call ids. */
import type { CallRange } from '@splitrock/core/plugin';

export const rangeSize = ({ from, to }: CallRange): number => to - from;

/** What of `ranges` is not in `removed`. */
export function subtractRanges(ranges: readonly CallRange[], removed: readonly CallRange[]): readonly CallRange[] {
  let rest = ranges;
  for (const hole of removed) {
    rest = rest.flatMap(({ from, to }) => {
      if (hole.to <= from || to <= hole.from) return [{ from, to }];
      const before = { from, to: hole.from };
      const after = { from: hole.to, to };
      return [before, after].filter((piece) => piece.from < piece.to);
    });
  }
  return rest;
}

/** Call ids and ranges, in any order and overlapping, as ascending ranges that do not touch. */
export function mergeRanges(ranges: Iterable<CallRange>): readonly CallRange[] {
  const merged: CallRange[] = [];
  for (const range of [...ranges].toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || range.from > last.to) merged.push(range);
    else if (range.to > last.to) merged[merged.length - 1] = { from: last.from, to: range.to };
  }
  return merged;
}

/** Ranges cut into pieces of at most `size` calls. */
export function cutRanges(ranges: readonly CallRange[], size: number): readonly CallRange[] {
  return ranges.flatMap(({ from, to }) =>
    Array.from({ length: Math.ceil((to - from) / size) }, (_, index) => ({
      from: from + index * size,
      to: Math.min(to, from + (index + 1) * size),
    })),
  );
}
