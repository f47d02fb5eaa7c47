/** Processes and workers die; every attempt still ends, and what was lost can be tried again. */
import { describe, expect, it } from 'vitest';
import type { BackendSuite } from './backend-conformance.ts';
import { exitWith, killItselfSometimes, pause } from './conformance-functions.ts';
import type { ConformanceJob } from './conformance-job.ts';
import type { ExecutorFixture } from './executor-fixture.ts';

const THOUSAND = Array.from({ length: 1_000 }, (_, index) => index);

export function describeLosses(suite: BackendSuite): void {
  describe.skipIf(!suite.capabilities.slotProcesses)('when processes of calls die', () => {
    it(
      'ends each of 1,000 calls of which every hundredth is killed with SIGKILL',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: killItselfSometimes, inputs: THOUSAND });
        await job.submit();
        await job.ended();
        const lost = job.lostCalls();
        expect(lost).toEqual(expect.arrayContaining(THOUSAND.filter((callId) => callId % 100 === 7)));
        await tryAgain(job, lost);
        expect(await valuesOf(job, lost)).toEqual(THOUSAND);
      }),
    );

    it(
      'tells a process that ended itself from one that was killed',
      suite.withExecutor(async (executor) => {
        const killed = await executor.job({ fn: killItselfSometimes, inputs: [0, 0], firstCall: 7 });
        const exited = await executor.job({ fn: exitWith, inputs: [3] });
        await Promise.all([killed.submit(), exited.submit({ inputs: 'inline' })]);
        await Promise.all([killed.ended(), exited.ended()]);
        expect(lossOf(killed, 7)).toMatchObject({ kind: 'crash', signal: 'SIGKILL' });
        expect(lossOf(exited, 0)).toMatchObject({ kind: 'exit', exitCode: 3 });
        expect(await killed.value(8)).toBe(0);
      }),
    );
  });

  describe.skipIf(!suite.capabilities.killWorker)('when a whole worker dies', () => {
    it(
      'ends each of 1,000 calls, and goes on with another worker',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: pause, inputs: THOUSAND.map(() => 2) });
        await job.submit();
        for (const share of [0.1, 0.4]) {
          await job.until(() => job.endedCount > 1_000 * share, `${share} of the calls ended`);
          await killSomeWorker(suite, executor);
        }
        await job.ended();
        await job.refresh();
        if (executor.backend.deliversStatus === true) {
          // Of what a dying worker published unheard, the client hears as of lost calls.
          await job.until(() => job.unheard().length === 0, 'every call was heard of');
        }
        const lost = job.lostCalls();
        for (const callId of lost) expect(job.lost(callId)?.reason.message).toBeTruthy();
        await tryAgain(job, lost);
        expect(await valuesOf(job, lost)).toEqual(THOUSAND.map(() => 'paused 2'));
        await executor.until(() => executor.workers.some(({ change }) => change === 'lost'), 'a lost worker was told');
      }),
    );

    it(
      'never repeats cancelled calls of a dead worker, nor reports them',
      suite.withExecutor(async (executor) => {
        const job = await executor.job({ fn: pause, inputs: [600_000, 600_000] });
        await job.submit();
        await job.until(() => job.started.size > 0, 'a call began');
        await executor.backend.cancel(job.job);
        await killSomeWorker(suite, executor);
        const after = await executor.job({ fn: pause, inputs: [1] });
        await after.submit();
        await after.ended();
        expect([job.lost(0), job.lost(1)]).toEqual([undefined, undefined]);
      }),
    );
  });
}

/** Kills the worker that came last, of those that are there: another may be on its way still. */
async function killSomeWorker(suite: BackendSuite, executor: ExecutorFixture): Promise<void> {
  const last = (): string | undefined => {
    const gone = new Set(executor.workers.filter(({ change }) => change !== 'started').map(({ workerId }) => workerId));
    return executor.workers.findLast(({ workerId }) => !gone.has(workerId))?.workerId;
  };
  await executor.until(() => last() !== undefined, 'a worker is there');
  await suite.killWorker(last() as string);
}

/** What the client's retry policy does: submits lost calls again, one range each, as the next attempt. */
async function tryAgain(job: ConformanceJob, lost: readonly number[]): Promise<void> {
  for (const callId of lost) await job.submit({ calls: { from: callId, to: callId + 1 }, attempt: 2 });
  await job.ended();
}

function valuesOf(job: ConformanceJob, triedAgain: readonly number[]): Promise<readonly unknown[]> {
  const again = new Set(triedAgain);
  return Promise.all(THOUSAND.map((callId) => job.value(callId, again.has(callId) ? 2 : 1)));
}

/** Why an attempt was lost, whoever told it: the worker by status, or the backend. */
function lossOf(job: ConformanceJob, callId: number): unknown {
  const outcome = job.finished(callId)[0]?.outcome;
  return outcome?.kind === 'lost' ? outcome.reason : job.lost(callId)?.reason;
}
