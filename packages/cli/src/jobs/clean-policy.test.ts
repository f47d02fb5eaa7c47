import type { JobDescriptor } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { decideClean, type CleanSelection } from './clean-policy.ts';
import type { JobSurvey } from './survey-jobs.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;

const survey = (given: Partial<JobSurvey> & { readonly idleMs: number; readonly tenant?: string }): JobSurvey => {
  const { idleMs, tenant = 'blue', ...others } = given;
  return {
    job: { executorId: 'abcdefghijkl', jobNumber: 1 },
    jobId: 'abcdefghijkl-1',
    descriptor: { tenant } as JobDescriptor,
    client: 'unknown',
    detached: false,
    objects: 1,
    bytes: 1,
    lastActivityAtMs: NOW - idleMs,
    ...others,
  };
};

const abandoned: CleanSelection = { kind: 'abandoned' };
const all: CleanSelection = { kind: 'all' };
const named: CleanSelection = { kind: 'named' };
const week: CleanSelection = { kind: 'older-than', ms: 7 * 24 * HOUR };

describe('decideClean', () => {
  it.each<[string, CleanSelection, JobSurvey, string]>([
    ['an orphan goes at once', abandoned, survey({ client: 'dead', idleMs: 0 }), 'removed'],
    [
      'a detached job outlives its client',
      abandoned,
      survey({ client: 'dead', detached: true, idleMs: 0 }),
      'it was active 0 ms ago',
    ],
    [
      'a detached job is abandoned after a day',
      abandoned,
      survey({ client: 'dead', detached: true, idleMs: 24 * HOUR }),
      'removed',
    ],
    ['a job of another machine is kept for a day', abandoned, survey({ idleMs: 23 * HOUR }), 'it was active 23 h ago'],
    ['and then goes', abandoned, survey({ idleMs: 24 * HOUR }), 'removed'],
    [
      'a running client keeps its jobs',
      abandoned,
      survey({ client: 'alive', idleMs: 100 * HOUR }),
      'the program that started it is running',
    ],
    ['also from --all', all, survey({ client: 'alive', idleMs: 100 * HOUR }), 'the program that started it is running'],
    [
      'also from --older-than',
      week,
      survey({ client: 'alive', idleMs: 1_000 * HOUR }),
      'the program that started it is running',
    ],
    ['--all keeps what was active just now', all, survey({ idleMs: 9 * 60_000 }), 'it was active 9 m ago'],
    ['--all takes what was not', all, survey({ idleMs: 10 * 60_000 }), 'removed'],
    ['--all takes orphans', all, survey({ client: 'dead', idleMs: 0 }), 'removed'],
    [
      '--older-than keeps what is younger',
      week,
      survey({ client: 'dead', idleMs: 6 * 24 * HOUR }),
      'it was active 6 d ago',
    ],
    ['--older-than takes what is older', week, survey({ idleMs: 7 * 24 * HOUR }), 'removed'],
    ['a clock that is ahead makes nothing negative', all, survey({ idleMs: -5_000 }), 'it was active 0 ms ago'],
    [
      'another tenant’s job is kept',
      all,
      survey({ client: 'dead', tenant: 'red', idleMs: 100 * HOUR }),
      'it is tenant red’s',
    ],
    ['what was named goes, running', named, survey({ client: 'alive', idleMs: 0 }), 'removed'],
    ['what was named goes, of another tenant', named, survey({ tenant: 'red', idleMs: 0 }), 'removed'],
  ])('%s', (_case, selection, job, expected) => {
    const decision = decideClean(job, { tenant: 'blue', selection, nowMs: NOW });
    expect(decision.remove ? 'removed' : decision.reason).toBe(expected);
  });

  it('takes a job without a descriptor for its own once it is abandoned', () => {
    const { descriptor: _none, ...bare } = survey({ idleMs: 24 * HOUR });
    expect(decideClean(bare, { tenant: 'blue', selection: abandoned, nowMs: NOW })).toEqual({ remove: true });
  });
});
