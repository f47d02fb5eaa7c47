import { describe, expect, it } from 'vitest';
import type { Job, JobSpec } from '../objects/cluster.ts';
import type { Pod } from '../objects/pod.ts';
import { formatIndexes, missingIndexes, planJob, type JobTally } from './job-plan.ts';

const NOTHING: JobTally = {
  active: [],
  terminating: 0,
  succeeded: 0,
  failed: 0,
  restarts: 0,
  succeededIndexes: new Set(),
};
const NOW_MS = 1_000_000;

function jobOf(spec: Partial<JobSpec>, startedMsAgo = 0): Job {
  const startTime = new Date(NOW_MS - startedMsAgo).toISOString();
  const metadata = { name: 'job', uid: 'uid', resourceVersion: '1', creationTimestamp: startTime };
  const template = { spec: { restartPolicy: 'Never' as const, containers: [] } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { template, completions: 4, parallelism: 2, ...spec },
    status: { startTime },
  };
}

const pods = (count: number): Pod[] => Array.from({ length: count }, () => ({}) as Pod);

interface Case {
  readonly what: string;
  readonly spec?: Partial<JobSpec>;
  readonly tally?: Partial<JobTally>;
  readonly withoutCompletions?: boolean;
  readonly startedMsAgo?: number;
  readonly plan: { readonly kind: string; readonly create?: number; readonly reason?: string };
}

const CASES: readonly Case[] = [
  { what: 'begins with as many pods as may run at once', plan: { kind: 'run', create: 2 } },
  { what: 'fills up what runs', tally: { active: pods(1), succeeded: 1 }, plan: { kind: 'run', create: 1 } },
  {
    what: 'begins no more than it still needs',
    tally: { active: pods(1), succeeded: 3 },
    plan: { kind: 'run', create: 0 },
  },
  { what: 'is complete', tally: { succeeded: 4 }, plan: { kind: 'complete' } },
  {
    what: 'without completions goes on until one has succeeded and all have ended',
    withoutCompletions: true,
    tally: { active: pods(1), succeeded: 1 },
    plan: { kind: 'run', create: 0 },
  },
  {
    what: 'replaces failures up to its limit',
    spec: { backoffLimit: 2 },
    tally: { failed: 2 },
    plan: { kind: 'run', create: 2 },
  },
  {
    what: 'fails beyond its limit',
    spec: { backoffLimit: 2 },
    tally: { failed: 3 },
    plan: { kind: 'fail', reason: 'BackoffLimitExceeded' },
  },
  {
    what: 'fails when it takes too long',
    spec: { activeDeadlineSeconds: 5 },
    startedMsAgo: 5_000,
    plan: { kind: 'fail', reason: 'DeadlineExceeded' },
  },
  { what: 'replaces pods that are ending at once', tally: { terminating: 2 }, plan: { kind: 'run', create: 2 } },
  {
    what: 'waits for pods that are ending if it is told to',
    spec: { podReplacementPolicy: 'Failed' },
    tally: { terminating: 2 },
    plan: { kind: 'run', create: 0 },
  },
  { what: 'begins nothing while it is suspended', spec: { suspend: true }, plan: { kind: 'run', create: 0 } },
];

describe('a job', () => {
  it.each(CASES)('$what', ({ spec = {}, tally = {}, withoutCompletions = false, startedMsAgo = 0, plan }) => {
    const job = jobOf(spec, startedMsAgo);
    if (withoutCompletions) delete job.spec.completions;
    expect(planJob(job, { ...NOTHING, ...tally }, NOW_MS)).toMatchObject(plan);
  });

  it('ends what it has too many of', () => {
    const active = pods(3);
    expect(planJob(jobOf({ parallelism: 1 }), { ...NOTHING, active }, NOW_MS)).toMatchObject({
      remove: active.slice(1),
    });
    expect(planJob(jobOf({ suspend: true }), { ...NOTHING, active }, NOW_MS)).toMatchObject({ remove: active });
  });

  it('writes and finds indexes', () => {
    expect(formatIndexes(new Set([5, 0, 1, 2, 7, 8]))).toBe('0-2,5,7-8');
    expect(formatIndexes(new Set())).toBe('');
    expect(missingIndexes(5, new Set([0, 2]), 2)).toEqual([1, 3]);
    expect(missingIndexes(3, new Set([0, 1, 2]), 2)).toEqual([]);
  });
});
