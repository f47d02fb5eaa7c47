import { describe, expect, it } from 'vitest';
import type { JobRef } from '@splitrock/core/plugin';
import type { WithFixture } from './monitoring-conformance.ts';
import { finishedCall } from './status-samples.ts';

/** Jobs whose names begin alike, the way that careless prefixes and patterns confuse. */
function similarJobs({ executorId }: JobRef): JobRef[] {
  const numbers = [1, 10, 11, 100, 1_000_000, 10_000_000];
  return numbers.map((jobNumber) => ({ executorId, jobNumber }));
}

export function describeIsolation(withFixture: WithFixture): void {
  describe('isolation', () => {
    it(
      'does not show one job’s events to another, however alike their names',
      withFixture(async (fixture) => {
        const jobs = similarJobs(fixture.newJob());
        const listening = await Promise.all(jobs.map((job) => fixture.listen(job)));
        const workerId = fixture.newWorkerId();
        const publisher = await fixture.publisher(workerId);
        await Promise.all(jobs.map((job, index) => publisher.publish(job, [finishedCall(workerId, index)])));
        await Promise.all(listening.map(({ subscription }) => subscription.refresh()));
        for (const [index, { recorder }] of listening.entries()) {
          expect(recorder.events.map((event) => event.callId)).toEqual(recorder.events.map(() => index));
          expect(recorder.finishedCalls).toBe(1);
        }
      }),
    );

    it(
      'does not show one executor’s events to another with the same job number',
      withFixture(async (fixture) => {
        const jobs = [fixture.newJob(), fixture.newJob()];
        const workerId = fixture.newWorkerId();
        const publisher = await fixture.publisher(workerId);
        await Promise.all(jobs.map((job, index) => publisher.publish(job, [finishedCall(workerId, index)])));
        for (const [index, job] of jobs.entries()) {
          const { recorder, subscription } = await fixture.listen(job);
          await subscription.refresh();
          expect([...new Set(recorder.events.map((event) => event.callId))]).toEqual([index]);
        }
      }),
    );

    it(
      'tells workers apart whose ids begin alike',
      withFixture(async (fixture) => {
        const job = fixture.newJob();
        const base = fixture.newWorkerId();
        const workers = [base, `${base}-1`, `${base}-10`, `${base}.x`, `${base}0`];
        const { recorder } = await fixture.listen(job);
        for (const workerId of workers) {
          const publisher = await fixture.publisher(workerId);
          for (let callId = 0; callId < 3; callId += 1) await publisher.publish(job, [finishedCall(workerId, callId)]);
        }
        await recorder.untilFinished(3 * workers.length);
        const owners = recorder.events.map((event) => event.workerId);
        expect(new Set(owners)).toEqual(new Set(workers));
      }),
    );
  });
}
