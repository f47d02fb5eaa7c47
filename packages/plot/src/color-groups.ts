/**
 * What bars and areas are coloured by, in colours that people with any kind of colour vision can tell apart (the
 * palette of Okabe and Ito, without its yellow, which is too light on white).
 */
import { OUTCOMES } from './call-record.ts';
import type { CallTable } from './call-table.ts';
import { label } from './text.ts';

export interface ColorGroups {
  readonly title: string;
  /** In the order of the legend. */
  readonly names: readonly string[];
  readonly colors: readonly string[];
  /** The group of each call, an index into {@link names}. */
  readonly groupOf: (call: number) => number;
}

export type ColorBy = 'job' | 'outcome';

const OUTCOME_COLORS = ['#0072B2', '#D55E00', '#E69F00', '#CC79A7', '#8C8C8C'] as const;
const JOB_COLORS = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#3B3B3B'] as const;
const OTHER_JOBS_COLOR = '#A6A6A6';
const MAX_LABEL = 32;

/** By default colours tell jobs apart; of a single job they tell how its calls ended. */
export function colorGroups(table: CallTable, colorBy: ColorBy | undefined): ColorGroups {
  const by = colorBy ?? (table.jobNames.length > 1 ? 'job' : 'outcome');
  return by === 'job' ? jobGroups(table) : outcomeGroups(table);
}

function outcomeGroups(table: CallTable): ColorGroups {
  const present = OUTCOMES.map((_, outcome) => table.outcome.includes(outcome));
  const used = OUTCOMES.flatMap((_, outcome) => (present[outcome] === true ? [outcome] : []));
  const groupOfOutcome = OUTCOMES.map((_, outcome) => used.indexOf(outcome));
  return {
    title: 'outcome',
    names: used.map((outcome) => OUTCOMES[outcome] as string),
    colors: used.map((outcome) => OUTCOME_COLORS[outcome] as string),
    groupOf: (call) => groupOfOutcome[table.outcome[call] as number] as number,
  };
}

/** The first jobs have colours of their own, all others share one. */
function jobGroups({ jobNames, job }: CallTable): ColorGroups {
  const named = jobNames.length > JOB_COLORS.length + 1 ? JOB_COLORS.length : jobNames.length;
  const others = jobNames.length - named;
  const names = distinct(jobNames.slice(0, named).map((name) => label(name, MAX_LABEL)));
  const colors = names.map((_, index) => JOB_COLORS[index] ?? OTHER_JOBS_COLOR);
  return {
    title: 'job',
    names: others > 0 ? [...names, `${others} other jobs`] : names,
    colors: others > 0 ? [...colors, OTHER_JOBS_COLOR] : colors,
    groupOf: (call) => Math.min(job[call] as number, names.length - (others > 0 ? 0 : 1)),
  };
}

/** Names that became equal when they were shortened are numbered: a legend needs different ones. */
function distinct(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const before = names.slice(0, index).filter((earlier) => earlier === name).length;
    return before === 0 ? name : `${name} (${before + 1})`;
  });
}
