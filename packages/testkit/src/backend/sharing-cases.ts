/** Jobs and executors share workers fairly and otherwise know nothing of one another. */
import { describe, expect, it } from 'vitest';
import type { BackendSuite } from './backend-conformance.ts';
import { double, pause } from './conformance-functions.ts';

export function describeSharing(suite: BackendSuite): void {
  describe('sharing workers', () => {
    it(
      'lets no small job wait for a huge one in front of it',
      suite.withExecutor(async (executor) => {
        const huge = await executor.job({ fn: pause, inputs: Array.from({ length: 10_000 }, () => 5) });
        await huge.submit();
        await huge.until(() => huge.endedCount > 0, 'the huge job began');
        const count = suite.capabilities.workersPerJob === true ? 6 : 30;
        const jobs = await Promise.all(
          Array.from({ length: count }, (_, n) => executor.job({ fn: double, inputs: [n, n + 1] })),
        );
        await Promise.all(jobs.map((job) => job.submit({ inputs: 'inline' })));
        await Promise.all(jobs.map((job) => job.ended()));
        const values = await Promise.all(jobs.map((job) => job.values()));
        expect(values).toEqual(jobs.map((_, n) => [2 * n, 2 * n + 2]));
        expect(huge.endedCount).toBeLessThan(5_000);
        await executor.backend.cancel(huge.job);
      }),
    );

    it(
      'keeps two executors apart, whose jobs have the same numbers',
      suite.withTwoExecutors(async (one, other) => {
        const doomed = await one.job({ fn: pause, inputs: Array.from({ length: 100 }, () => 200) });
        const survivor = await other.job({ fn: double, inputs: Array.from({ length: 100 }, (_, n) => n) });
        expect(survivor.job.jobNumber).toBe(doomed.job.jobNumber);
        await Promise.all([doomed.submit(), survivor.submit()]);
        await one.backend.cancel(doomed.job);
        await one.backend.clean({ executorId: one.executorId });
        await one.backend.stop();
        await survivor.ended();
        expect(await survivor.values()).toEqual(Array.from({ length: 100 }, (_, n) => 2 * n));
        const later = await other.job({ fn: double, inputs: [21] });
        await later.submit();
        await later.ended();
        expect(await later.value(0)).toBe(42);
      }),
    );
  });
}
