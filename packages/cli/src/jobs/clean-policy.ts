/** Decides which jobs `splitrock clean` removes. Pure: the survey and the time are given. */
import { formatDuration } from '../output/quantities.ts';
import type { JobSurvey } from './survey-jobs.ts';

/** What the user asked for. */
export type CleanSelection =
  /** One job or all of an executor's, named: removed in any case. */
  | { readonly kind: 'named' }
  /** What nobody will miss: jobs of clients that are gone, and jobs without a sign of life for {@link ABANDONED_MS}. */
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'older-than'; readonly ms: number }
  | { readonly kind: 'all' };

export type CleanDecision = { readonly remove: true } | { readonly remove: false; readonly reason: string };

/** A job that wrote something this recently may be running somewhere. */
export const RECENT_MS = 10 * 60_000;
/** After a day without a sign of life a job counts as abandoned. */
export const ABANDONED_MS = 24 * 3_600_000;

export interface CleanQuestion {
  readonly tenant: string;
  readonly selection: CleanSelection;
  readonly nowMs: number;
}

export function decideClean(survey: JobSurvey, { tenant, selection, nowMs }: CleanQuestion): CleanDecision {
  if (selection.kind === 'named') return { remove: true };
  const keep = (reason: string): CleanDecision => ({ remove: false, reason });
  const { descriptor, client, detached } = survey;
  if (descriptor !== undefined && descriptor.tenant !== tenant) return keep(`it is tenant ${descriptor.tenant}’s`);
  if (client === 'alive') return keep('the program that started it is running');

  // Nobody waits for what a client that is gone had started, unless it was meant to go on without it.
  const orphaned = client === 'dead' && !detached;
  const idleMs = Math.max(0, nowMs - survey.lastActivityAtMs);
  if (!orphaned && idleMs < RECENT_MS) return keep(`it was active ${formatDuration(idleMs)} ago`);
  switch (selection.kind) {
    case 'all':
      return { remove: true };
    case 'older-than':
      return idleMs >= selection.ms ? { remove: true } : keep(`it was active ${formatDuration(idleMs)} ago`);
    case 'abandoned':
      return orphaned || idleMs >= ABANDONED_MS
        ? { remove: true }
        : keep(`it was active ${formatDuration(idleMs)} ago`);
  }
}
