/** What a job needs next, decided from its spec and what is known of its pods. */
import type { Job } from '../objects/cluster.ts';
import type { Pod } from '../objects/pod.ts';

/** The pods of a job, over its whole life: also those that are deleted count. */
export interface JobTally {
  /** Pods that run or will, and are not being deleted. */
  readonly active: readonly Pod[];
  /** Pods that are being deleted and have not ended. */
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  /** How often containers of its pods were restarted in place. */
  readonly restarts: number;
  /** The indexes that have succeeded, of an indexed job. */
  readonly succeededIndexes: ReadonlySet<number>;
}

export type JobPlan =
  | { readonly kind: 'complete' }
  | { readonly kind: 'fail'; readonly reason: string; readonly message: string }
  | { readonly kind: 'run'; readonly create: number; readonly remove: readonly Pod[] };

export function planJob(job: Job, tally: JobTally, nowMs: number): JobPlan {
  const { spec, status } = job;
  const { backoffLimit = 6, parallelism = 1, completions, activeDeadlineSeconds } = spec;
  if (isComplete(job, tally)) return { kind: 'complete' };
  const restartsInPlace = spec.template.spec.restartPolicy === 'OnFailure';
  const restartedTooOften = restartsInPlace && tally.restarts > 0 && tally.restarts >= Math.max(1, backoffLimit);
  if (tally.failed > backoffLimit || restartedTooOften) {
    return { kind: 'fail', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const startedMs = status.startTime === undefined ? nowMs : Date.parse(status.startTime);
  if (activeDeadlineSeconds !== undefined && nowMs - startedMs >= activeDeadlineSeconds * 1000) {
    return { kind: 'fail', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  const { active } = tally;
  if (spec.suspend === true) return { kind: 'run', create: 0, remove: active };
  // Without a number of completions the first success means that there is nothing left to begin.
  const left =
    completions === undefined ? (tally.succeeded > 0 ? active.length : parallelism) : completions - tally.succeeded;
  const wanted = Math.min(parallelism, left);
  const held = spec.podReplacementPolicy === 'Failed' ? tally.terminating : 0;
  return {
    kind: 'run',
    create: Math.max(0, wanted - active.length - held),
    remove: active.length > wanted ? active.slice(wanted) : [],
  };
}

function isComplete({ spec }: Job, { active, succeeded }: JobTally): boolean {
  return spec.completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= spec.completions;
}

/** `0-2,5`: indexes as the status of a job writes them. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((one, other) => one - other);
  const ranges: string[] = [];
  for (let first = 0; first < sorted.length;) {
    let last = first;
    while (sorted[last + 1] === (sorted[last] ?? 0) + 1) last += 1;
    ranges.push(first === last ? `${sorted[first]}` : `${sorted[first]}-${sorted[last]}`);
    first = last + 1;
  }
  return ranges.join(',');
}

/** The lowest indexes that neither succeeded nor run. */
export function missingIndexes(completions: number, taken: ReadonlySet<number>, count: number): number[] {
  const missing: number[] = [];
  for (let index = 0; index < completions && missing.length < count; index += 1) {
    if (!taken.has(index)) missing.push(index);
  }
  return missing;
}
