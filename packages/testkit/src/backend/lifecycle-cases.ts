/** Start, refusal, drain, stop, clean. */
import { describe, expect, it } from 'vitest';
import type { Backend } from '@splitrock/core/plugin';
import type { BackendSuite } from './backend-conformance.ts';
import { double, pause, spin } from './conformance-functions.ts';
import type { ConformanceJob } from './conformance-job.ts';

const ILLEGAL_STATE = expect.objectContaining({ code: 'ILLEGAL_STATE' }) as Error;

export function describeLifecycle(suite: BackendSuite): void {
  describe('refusing submissions', () => {
    it(
      'accepts nothing of a submission that it rejects',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: double, inputs: [1, 2, 3] });
        const reason = new Error('not now');
        await expect(job.submit({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        const other = await executor.job({ fn: double, inputs: [4] });
        await other.submit();
        await other.ended();
        await job.refresh();
        expect(job.started.size).toBe(0);
      }),
    );

    it(
      'refuses an aborted operation with the reason of its signal',
      suite.withExecutor(async (executor) => {
        const { backend, executorId } = executor;
        const reason = new Error('not now');
        const signal = AbortSignal.abort(reason);
        const job = { executorId, jobNumber: 1 };
        await expect(backend.runtime({ signal })).rejects.toBe(reason);
        await expect(backend.cancel(job, { signal })).rejects.toBe(reason);
        await expect(backend.endJob(job, { signal })).rejects.toBe(reason);
        await expect(backend.clean({ job }, { signal })).rejects.toBe(reason);
        if (backend.outstanding !== undefined) {
          await expect(backend.outstanding(job, { signal })).rejects.toBe(reason);
        }
      }),
    );

    it(
      'does not start when that is aborted',
      suite.withIdleExecutor(async (executor) => {
        const reason = new Error('not now');
        await expect(executor.backend.start(executor, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        const job = await executor.job({ fn: double, inputs: [1] });
        await expect(job.submit()).rejects.toEqual(ILLEGAL_STATE);
      }),
    );
  });

  describe('starting', () => {
    it(
      'is needed before anything else, and done once',
      suite.withIdleExecutor(async (executor) => {
        const job = await executor.job({ fn: double, inputs: [1] });
        await expect(job.submit()).rejects.toEqual(ILLEGAL_STATE);
        await executor.backend.start(executor);
        await expect(executor.backend.start(executor)).rejects.toEqual(ILLEGAL_STATE);
        await job.submit();
        await job.ended();
        expect(await job.value(0)).toBe(2);
      }),
    );

    it(
      'may never happen: a stop is enough',
      suite.withIdleExecutor(async (executor) => {
        await executor.backend.stop();
        await expect(executor.backend.start(executor)).rejects.toEqual(ILLEGAL_STATE);
      }),
    );
  });

  describe('stopping', () => {
    it(
      'refuses everything afterwards, and may be repeated',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: double, inputs: [1] });
        await Promise.all([executor.backend.stop(), executor.backend.stop({ graceMs: 1_000 })]);
        await executor.backend.stop();
        for (const use of usesOf(executor.backend, job)) await expect(use()).rejects.toEqual(ILLEGAL_STATE);
        expect(executor.backend.capacity().current).toBe(0);
      }),
    );

    it(
      'lets running calls end within the grace, and begins no more',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: pause, inputs: Array.from({ length: 200 }, () => 500) });
        await job.submit();
        await job.until(() => job.started.size > 0, 'a call began');
        const running = [...job.started];
        await executor.backend.stop({ graceMs: 15_000 });
        await job.refresh();
        for (const callId of running.map((key) => Number.parseInt(key, 10))) {
          expect(await job.value(callId)).toBe('paused 500');
        }
        expect(job.endedCount).toBeLessThan(200);
      }),
    );

    it.each([
      { name: 'wait', fn: pause },
      { name: 'never yield', fn: spin },
    ])('ends calls that $name, without a grace', ({ fn }) =>
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn, inputs: Array.from({ length: 10 }, () => 600_000) });
        await job.submit();
        await job.until(() => job.started.size > 0, 'a call began');
        await executor.backend.stop();
        await job.refresh();
        expect(valueCount(job)).toBe(0);
      })(),
    );

    it(
      'tells that its workers stopped',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: double, inputs: [1] });
        await job.submit();
        await job.ended();
        const { workerId } = job.finished(0)[0] ?? {};
        await executor.untilStarted(workerId);
        await executor.backend.stop();
        const changes = executor.workers.filter((worker) => worker.workerId === workerId).map(({ change }) => change);
        expect(changes).toEqual(['started', 'stopped']);
      }),
    );
  });

  describe('cleaning', () => {
    it(
      'needs no start: what others left can be removed without starting workers',
      suite.withIdleExecutor(async (executor) => {
        const { backend, executorId } = executor;
        for (const target of [{ executorId }, { job: { executorId, jobNumber: 1 } }]) {
          const { removed } = await backend.clean(target);
          expect(Object.values(removed).reduce((sum, count) => sum + count, 0)).toBe(0);
        }
        expect(executor.workers).toEqual([]);
      }),
    );

    it(
      'is idempotent, and leaves the jobs of others alone',
      suite.withTwoExecutors(async (one, other) => {
        const over = await one.job({ fn: double, inputs: [1] });
        await over.submit();
        await over.ended();
        await one.backend.endJob(over.job);
        const running = await other.job({ fn: pause, inputs: Array.from({ length: 20 }, () => 50) });
        await running.submit();
        for (const target of [{ job: over.job }, { executorId: one.executorId }]) {
          await one.backend.clean(target);
          const { removed } = await one.backend.clean(target);
          expect(Object.values(removed).every((count) => count === 0)).toBe(true);
        }
        await running.ended();
        expect(await running.value(19)).toBe('paused 50');
      }),
    );
  });
}

function usesOf(backend: Backend, job: ConformanceJob): readonly (() => Promise<unknown>)[] {
  return [
    () => job.submit(),
    () => backend.cancel(job.job),
    () => backend.endJob(job.job),
    () => backend.runtime(),
    () => backend.clean({ job: job.job }),
  ];
}

const valueCount = (job: ConformanceJob): number =>
  Array.from({ length: job.calls.to }, (_, callId) => job.finished(callId))
    .flat()
    .filter(({ outcome }) => outcome.kind === 'value').length;
