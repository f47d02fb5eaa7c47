/** Cancelling is narrow, frees the slots, and is final. */
import type { JobRef } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import type { BackendSuite } from './backend-conformance.ts';
import { double, pause, spin } from './conformance-functions.ts';
import type { ExecutorFixture } from './executor-fixture.ts';

const TEN_MINUTES_MS = 600_000;

export function describeCancellation(suite: BackendSuite): void {
  describe('cancelling', () => {
    const shared = suite.shareExecutor();
    it.each([
      { name: 'that listen to their signal', fn: pause },
      { name: 'that never yield', fn: spin },
    ])('frees the slots of running calls $name', async ({ fn }) => {
      const executor = shared();
      const job = await executor.job({ fn, inputs: Array.from({ length: 50 }, () => TEN_MINUTES_MS) });
      await job.submit();
      await job.until(() => job.started.size > 0, 'a call began');
      await executor.backend.cancel(job.job);
      await expectSlotsAreFree(executor);
      await job.refresh();
      expect(job.lostCalls().filter((callId) => job.lost(callId) !== undefined)).toEqual([]);
    });

    it('is final: what was cancelled never begins later', async () => {
      const executor = shared();
      const { max } = executor.backend.capacity();
      const job = await executor.job({ fn: pause, inputs: Array.from({ length: 200 * max }, () => 50) });
      await job.submit();
      await job.until(() => job.endedCount > 0, 'a call ended');
      await executor.backend.cancel(job.job);
      await executor.backend.cancel(job.job);
      await expectSlotsAreFree(executor);
      await job.refresh();
      const begun = job.started.size;
      // Long enough for as many of the cancelled calls to begin as of these, were they still there.
      const later = await executor.job({ fn: pause, inputs: Array.from({ length: 20 * max }, () => 50) });
      await later.submit();
      await later.ended();
      await job.refresh();
      // Status of those that ran when they were cancelled may have come late.
      expect(job.started.size - begun).toBeLessThanOrEqual(max);
    });

    it('stops only the ranges that are named', async () => {
      const executor = shared();
      const job = await executor.job({
        fn: pause,
        inputs: [...Array.from({ length: 20 }, () => TEN_MINUTES_MS), 1, 1, 1],
      });
      await job.submit();
      await executor.backend.cancel(job.job, {
        calls: [
          { from: 0, to: 8 },
          { from: 8, to: 20 },
        ],
      });
      await job.ended({ from: 20, to: 23 });
      expect(await job.values({ from: 20, to: 23 })).toEqual(['paused 1', 'paused 1', 'paused 1']);
    });

    it('stops only the attempt that is named', async () => {
      const executor = shared();
      const job = await executor.job({ fn: pause, inputs: [300, TEN_MINUTES_MS] });
      await job.submit({ calls: { from: 0, to: 1 }, attempt: 1 });
      await job.submit({ calls: { from: 1, to: 2 }, attempt: 1 });
      await job.submit({ calls: { from: 0, to: 1 }, attempt: 2 });
      await executor.backend.cancel(job.job, { attempt: 1 });
      await job.until(() => job.finished(0, 2).length > 0, 'the other attempt ended');
      expect(await job.value(0, 2)).toBe('paused 300');
      expect(job.finished(1, 1).map(({ outcome }) => outcome.kind)).not.toContain('value');
    });

    it('of what is unknown or over does nothing', async () => {
      const executor = shared();
      const unknown: JobRef = { executorId: executor.executorId, jobNumber: 999 };
      await executor.backend.cancel(unknown);
      const job = await executor.job({ fn: double, inputs: [1, 2, 3] });
      await job.submit();
      await job.ended();
      await executor.backend.cancel(job.job);
      await executor.backend.cancel(job.job, { calls: [{ from: 7, to: 9 }], attempt: 5 });
      await expectSlotsAreFree(executor);
      expect(await job.values()).toEqual([2, 4, 6]);
    });
  });
}

/** More calls than there are slots come through quickly: no slot is held by what was cancelled. */
async function expectSlotsAreFree(executor: ExecutorFixture): Promise<void> {
  const inputs = Array.from({ length: 20 }, (_, n) => n);
  const job = await executor.job({ fn: double, inputs });
  await job.submit({ inputs: 'inline' });
  await job.ended();
  expect(await job.values()).toEqual(inputs.map((input) => input * 2));
}
