import type { CallTable } from './call-table.ts';
import type { ColorGroups } from './color-groups.ts';

/** A moment at which calls were submitted. */
export interface SubmissionTick {
  readonly time: number;
  /** The colour group of the first call submitted there. */
  readonly group: string;
}

/** Ticks closer than a pixel or two would only fill the row. */
const MAX_TICKS = 400;

/** The moments of submission in order, at most one for each 400th part of the time. */
export function submissionTicks({ submitted, endSeconds, size }: CallTable, colors: ColorGroups): SubmissionTick[] {
  const ticks = new Map<number, SubmissionTick>();
  for (let call = 0; call < size; call += 1) {
    const time = submitted[call] as number;
    const place = Math.floor((time / endSeconds) * MAX_TICKS);
    const known = ticks.get(place);
    if (known === undefined || time < known.time) {
      ticks.set(place, { time, group: colors.names[colors.groupOf(call)] as string });
    }
  }
  return [...ticks.values()].toSorted((left, right) => left.time - right.time);
}
