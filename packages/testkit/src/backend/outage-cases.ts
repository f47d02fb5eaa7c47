/** The service that a backend needs goes away and comes back: whoever waits is told, and nothing is lost. */
import type { BackendDiagnosis } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import type { BackendSuite } from './backend-conformance.ts';
import { double, pause } from './conformance-functions.ts';
import type { ConformanceJob } from './conformance-job.ts';

const CALLS = 100;

export function describeOutage(suite: BackendSuite): void {
  describe.skipIf(suite.capabilities.outage !== true)('when a service that the backend needs is away', () => {
    it(
      'tells whoever waits, takes that back, and loses no call',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: pause, inputs: Array.from({ length: CALLS }, () => 50) });
        const late = await executor.job({ fn: double, inputs: [1, 2, 3] });
        await job.submit();
        await job.until(() => job.endedCount > CALLS / 20, 'the job is under way');
        const outage = await suite.outage();
        let submitting: Promise<boolean>;
        try {
          await executor.until(() => troublesOf(executor.diagnoses).size > 0, 'the trouble was told');
          submitting = isAccepted(late);
        } finally {
          await outage.end();
        }
        // What was refused meanwhile is submitted again, as the client does.
        if (!(await submitting)) await late.submit();
        await Promise.all([job.ended(), late.ended()]);
        await job.refresh();
        expect(await job.values()).toEqual(Array.from({ length: CALLS }, () => 'paused 50'));
        expect(await late.values()).toEqual([2, 4, 6]);
        expect([...job.lostCalls(), ...late.lostCalls()]).toEqual([]);
        if (executor.backend.deliversStatus === true) {
          await job.until(() => job.unheard().length === 0, 'every call was heard of');
        }
        await executor.until(() => troublesOf(executor.diagnoses).size === 0, 'the trouble was taken back');
      }),
    );
  });
}

/** Codes of what was told and not taken back. */
function troublesOf(diagnoses: readonly BackendDiagnosis[]): ReadonlySet<string> {
  const troubles = new Set<string>();
  for (const { severity, code } of diagnoses) {
    if (severity === 'info') troubles.delete(code);
    else troubles.add(code);
  }
  return troubles;
}

/** A submission may wait for the service, or be refused whole. */
async function isAccepted(job: ConformanceJob): Promise<boolean> {
  try {
    await job.submit();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    return false;
  }
}
