import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { optionsIn, rejection, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

const same = (n: number): number => n;
const nap = async (ms: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};

describe('waiting', () => {
  it('takes jobs and futures of several executors together', async () => {
    await using other = new FunctionExecutor(optionsIn(folder));
    const [own, foreign] = [executor.current.map(same, [1, 2]), other.map(same, [3, 4])];
    const { done, notDone } = await executor.current.wait([own, foreign, other.callAsync(same, 5)]);
    expect([done.length, notDone.length]).toEqual([5, 0]);
    expect(await other.getResult([own, foreign])).toEqual([1, 2, 3, 4]);
  });

  it('ends although a future, or its job, is given twice', async () => {
    const job = executor.current.map(nap, [1, 30]);
    const future = job.future(1);
    expect((await executor.current.wait([future, future, job, job])).done).toHaveLength(6);
    expect((await executor.current.wait([future, future], { returnWhen: 50 })).done).toHaveLength(2);
  });

  it('returns every call that has ended, not only as many as were asked for', async () => {
    const job = executor.current.map(same, [1, 2, 3]);
    await job;
    expect((await executor.current.wait(job, { returnWhen: 'any' })).done).toHaveLength(3);
    expect((await executor.current.wait(job, { timeoutMs: 0 })).done).toHaveLength(3);
  });

  it('for a percentage ends with exactly so many calls', async () => {
    // 7 % of 100 is 7; in binary fractions 0.07 times 100 is more, and the eighth call never ends.
    const job = executor.current.map(
      (n: number) => (n < 7 ? n : new Promise<void>((resolve) => setTimeout(resolve, 60_000))),
      Array.from({ length: 100 }, (_, n) => n),
      { abortGraceMs: 0, killGraceMs: 0 },
    );
    expect((await executor.current.wait(job, { returnWhen: 7 })).done).toHaveLength(7);
    await job.cancel();
  });

  it('stops nothing when a call fails', async () => {
    const failed = join(folder.path, 'the first call has failed');
    const job = executor.current.map(
      async (n: number) => {
        if (n === 0) throw new Error('first');
        while (!existsSync(failed)) await new Promise((resolve) => setTimeout(resolve, 10));
        return n;
      },
      [0, 1, 2],
    );
    expect((await executor.current.wait(job, { returnWhen: 'any' })).done.map(({ callId }) => callId)).toEqual([0]);
    await writeFile(failed, '');
    expect((await executor.current.wait(job)).notDone).toEqual([]);
    expect(await job.settled()).toMatchObject([{ status: 'rejected' }, { value: 1 }, { value: 2 }]);
  });

  it.each([Infinity, 2 ** 31])('as long as %s ms does not end at once', async (timeoutMs) => {
    expect((await executor.current.wait(executor.current.map(nap, [50]), { timeoutMs })).done).toHaveLength(1);
  });

  it.each([-1, Number.NaN, 'soon'])('refuses timeoutMs: %s', async (timeoutMs) => {
    const error = await rejection(executor.current.wait([], { timeoutMs: timeoutMs as never }));
    expect(error).toMatchObject({ code: 'ARGUMENT_INVALID', message: expect.stringContaining(`got=${timeoutMs}`) });
  });

  it.each([[5], [null], [Promise.resolve(1)]])('refuses what is no job and no future: %s', async (target) => {
    const error = await rejection(executor.current.wait([target as never]));
    expect(error).toMatchObject({ code: 'ARGUMENT_INVALID' });
  });

  it('follows its signal, and stops nothing either', async () => {
    const job = executor.current.map(nap, [50]);
    const reason = new Error('enough');
    expect(await rejection(executor.current.wait(job, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(await job).toEqual([50]);
  });

  it('works in a thread that is not the main one', { timeout: 60_000 }, async () => {
    const program = fileURLToPath(new URL('./fixtures/thread-client.ts', import.meta.url));
    const thread = new Worker(program, { workerData: optionsIn(folder), execArgv: ['--conditions=@splitrock/source'] });
    const [answer] = (await once(thread, 'message')) as [unknown];
    expect(answer).toEqual({ values: [2, 3], timedOut: 1 });
    await once(thread, 'exit');
  });
});

describe('getResult', () => {
  it('gives undefined for a single call that returns nothing, and a list with it for a job', async () => {
    await using other = new FunctionExecutor(optionsIn(folder));
    const nothing = (): void => {};
    other.callAsync(nothing);
    expect(await other.getResult()).toBe(undefined);
    expect(await other.getResult()).toEqual([]);
    other.map(nothing, [1]);
    expect(await other.getResult()).toEqual([undefined]);
    other.map((n: number) => (n === 1 ? undefined : n), [0, 1, 2]);
    other.callAsync(() => null);
    expect(await other.getResult()).toEqual([0, undefined, 2, null]);
  });
});
