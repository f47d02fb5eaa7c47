/** Every submitted call runs with its input and ends with its own outcome. */
import { formatJobId } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import type { BackendSuite } from './backend-conformance.ts';
import { describeContext, double, echo, pause, repeat, throwOnOdd } from './conformance-functions.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export function describeCalls(suite: BackendSuite): void {
  describe('running calls', () => {
    const shared = suite.shareExecutor();

    it.each(['inline', 'stored'] as const)('runs every call once, with %s inputs', async (inputs) => {
      const job = await shared().job({ fn: double, inputs: numbers(100) });
      await job.submit({ inputs });
      await job.ended();
      await job.refresh();
      expect(await job.values()).toEqual(numbers(100).map((input) => input * 2));
      expect(numbers(100).map((callId) => job.finished(callId).length)).toEqual(numbers(100).map(() => 1));
      expect(job.lostCalls()).toEqual([]);
    });

    it.each(['inline', 'stored'] as const)(
      'runs a range in the middle of a part that does not begin at 0, with %s inputs',
      async (inputs) => {
        const job = await shared().job({ fn: double, inputs: numbers(50), firstCall: 1_000 });
        await job.submit({ inputs, calls: { from: 1_010, to: 1_030 } });
        await job.ended();
        expect(await job.values({ from: 1_010, to: 1_030 })).toEqual(numbers(20).map((index) => (index + 10) * 2));
        expect([job.finished(1_009), job.finished(1_030)]).toEqual([[], []]);
      },
    );

    it('runs a function whose captured values are in storage', async () => {
      const job = await shared().job({ fn: double, inputs: numbers(10), environment: 'stored' });
      await job.submit();
      await job.ended();
      expect(await job.values()).toEqual(numbers(10).map((input) => input * 2));
    });

    it('takes a job in many submissions', async () => {
      const job = await shared().job({ fn: double, inputs: numbers(40) });
      for (const from of [0, 10, 20, 30]) {
        await job.submit({ calls: { from, to: from + 10 }, inputs: from % 20 === 0 ? 'inline' : 'stored' });
      }
      await job.ended();
      expect(await job.values()).toEqual(numbers(40).map((input) => input * 2));
    });

    it('keeps attempts apart and tells each its number', async () => {
      const job = await shared().job({ fn: describeContext, inputs: [0, 0] });
      await job.submit({ calls: { from: 1, to: 2 }, attempt: 3 });
      await job.submit({ calls: { from: 1, to: 2 }, attempt: 4, inputs: 'inline' });
      await job.ended();
      const expected = {
        executorId: shared().executorId,
        jobId: formatJobId(job.job),
        jobName: 'describeContext',
        callId: 1,
      };
      expect(await job.value(1, 3)).toEqual({ ...expected, attempt: 3 });
      expect(await job.value(1, 4)).toEqual({ ...expected, attempt: 4 });
      expect(job.finished(1, 1)).toEqual([]);
    });

    it("reports a user's error as that call's outcome and goes on with the others", async () => {
      const job = await shared().job({ fn: throwOnOdd, inputs: numbers(10) });
      await job.submit();
      await job.ended();
      const outcomes = numbers(10).map((callId) => job.finished(callId)[0]?.outcome);
      expect(outcomes.map((outcome) => outcome?.kind)).toEqual(
        numbers(10).map((n) => (n % 2 === 1 ? 'error' : 'value')),
      );
      expect(outcomes[3]).toMatchObject({ name: 'RangeError', message: '3 is odd' });
    });

    it('brings the status of every call to its listener, if it says so', async ({ skip }) => {
      skip(shared().backend.deliversStatus !== true, 'the backend does not deliver status');
      const job = await shared().job({ fn: throwOnOdd, inputs: numbers(100) });
      await job.submit();
      await job.until(() => job.unheard().length === 0, 'every end was brought');
      await job.refresh();
      expect(numbers(100).map((callId) => job.finished(callId).length)).toEqual(numbers(100).map(() => 1));
    });

    it('carries undefined, null and other values that are easily dropped', async () => {
      const inputs = [undefined, null, 0, '', false, Number.NaN];
      const job = await shared().job({ fn: echo, inputs });
      await job.submit({ inputs: 'inline' });
      await job.ended();
      expect(await job.values()).toEqual(inputs);
    });

    it('brings large inputs and large results through storage', async () => {
      const text = 'all work and no play '.repeat(10_000);
      const job = await shared().job({
        fn: repeat,
        inputs: [
          { text, times: 5 },
          { text: 'a', times: 3 },
        ],
      });
      await job.submit();
      await job.ended();
      expect(job.finished(0)[0]?.outcome).toMatchObject({ kind: 'value', key: expect.any(String) as string });
      expect(job.finished(1)[0]?.outcome).toMatchObject({ kind: 'value', inline: expect.anything() as Uint8Array });
      expect(await job.values()).toEqual([text.repeat(5), 'aaa']);
    });

    it('takes avoided workers as a wish: the calls run all the same', async () => {
      const first = await shared().job({ fn: double, inputs: [1] });
      await first.submit();
      await first.ended();
      await shared().untilStarted(first.finished(0)[0]?.workerId);
      const everyWorker = shared().workers.map(({ workerId }) => workerId);
      const job = await shared().job({ fn: double, inputs: numbers(10) });
      await job.submit({ attempt: 2, avoidWorkers: everyWorker });
      await job.ended();
      expect(await job.values(job.calls, 2)).toEqual(numbers(10).map((input) => input * 2));
    });

    it('ends a call that runs into its timeout', async () => {
      const job = await shared().job({ fn: pause, inputs: [600_000, 1], run: { timeoutMs: 300 } });
      await job.submit({ inputs: 'inline' });
      await job.ended();
      expect(job.finished(0)[0]?.outcome).toMatchObject({ kind: 'timeout', timeoutMs: 300 });
      expect(await job.value(1)).toBe('paused 1');
    });

    it('runs what was submitted before the job was ended', async () => {
      const job = await shared().job({ fn: double, inputs: numbers(50) });
      await job.submit();
      await shared().backend.endJob(job.job);
      await shared().backend.endJob(job.job);
      await job.ended();
      expect(await job.values()).toEqual(numbers(50).map((input) => input * 2));
    });

    it('begins an ended job anew when more of it is submitted', async () => {
      const job = await shared().job({ fn: double, inputs: numbers(20) });
      await job.submit({ calls: { from: 0, to: 10 } });
      await job.ended();
      await shared().backend.endJob(job.job);
      await job.submit({ calls: { from: 10, to: 20 }, inputs: 'inline' });
      await job.submit({ calls: { from: 0, to: 1 }, attempt: 2 });
      await job.ended();
      expect(await job.values()).toEqual(numbers(20).map((input) => input * 2));
      expect(await job.value(0, 2)).toBe(0);
    });

    it('ends jobs that it never saw', async () => {
      await shared().backend.endJob({ executorId: shared().executorId, jobNumber: 999_999 });
      const job = await shared().job({ fn: double, inputs: [21] });
      await job.submit();
      await job.ended();
      expect(await job.value(0)).toBe(42);
    });

    it('tells what it still holds of a job, if it says so', async ({ skip }) => {
      const { backend } = shared();
      skip(backend.outstanding === undefined, 'calls of this backend die with their client');
      const job = await shared().job({ fn: pause, inputs: numbers(10).map(() => 600_000) });
      expect(await backend.outstanding?.(job.job)).toEqual([]);
      await job.submit();
      const held = (await backend.outstanding?.(job.job)) ?? [];
      const ids = held.flatMap(({ from, to }) => numbers(to - from).map((index) => from + index));
      expect(ids.toSorted((one, other) => one - other)).toEqual(numbers(10));
      await backend.cancel(job.job);
    });

    it('tells its capacity and its runtime', async () => {
      const { current, max } = shared().backend.capacity();
      expect(Number.isInteger(current) && Number.isInteger(max)).toBe(true);
      expect(current).toBeGreaterThanOrEqual(0);
      expect(max).toBeGreaterThanOrEqual(Math.max(1, current));
      const runtime = await shared().backend.runtime();
      expect(runtime.nodeVersion).toMatch(/^\d+\.\d+\.\d+/);
      expect(['object', 'undefined']).toContain(typeof runtime.packages);
    });

    it('tells of the workers that status names', async () => {
      const job = await shared().job({ fn: double, inputs: [1] });
      await job.submit();
      await job.ended();
      const { workerId } = job.finished(0)[0] ?? {};
      await shared().untilStarted(workerId);
      const started = shared().workers.find((worker) => worker.workerId === workerId && worker.change === 'started');
      expect(started?.slots).toBeGreaterThanOrEqual(1);
    });
  });
}
