import { describe, expect, it } from 'vitest';
import { rejection, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

const addOne = (n: number): number => n + 1;
const fail = (n: number): number => {
  if (n === 1) throw new Error('upstream broke');
  return n;
};

describe('results of other calls as inputs', () => {
  it('maps over the results of a job', async () => {
    const first = executor.current.map(addOne, [1, 2, 3]);
    expect(await executor.current.map(addOne, first)).toEqual([3, 4, 5]);
  });

  it('maps over the results of a job whose size is not known yet', async () => {
    async function* numbers() {
      yield 1;
      await new Promise((resolve) => setTimeout(resolve, 30));
      yield 2;
    }
    expect(await executor.current.map(addOne, executor.current.map(addOne, numbers()))).toEqual([3, 4]);
  });

  it('mixes futures and values', async () => {
    const future = executor.current.callAsync(addOne, 10);
    expect(await executor.current.map(addOne, [1, future, 3])).toEqual([2, 12, 4]);
  });

  it('takes futures from generators', async () => {
    const futures = [5, 6].map((n) => executor.current.callAsync(addOne, n));
    expect(await executor.current.map(addOne, futures.values())).toEqual([7, 8]);
  });

  it('gives a call all results of a job, and the value of a future', async () => {
    const job = executor.current.map(addOne, [1, 2, 3]);
    const sum = executor.current.callAsync((values: number[]) => values.reduce((a, b) => a + b), job);
    expect(await sum).toBe(9);
    expect(await executor.current.callAsync(addOne, sum)).toBe(10);
  });

  it('passes large results on through storage', async () => {
    const big = executor.current.callAsync((n: number) => 'y'.repeat(n), 500_000);
    expect(await executor.current.callAsync((text: string) => text.length, big)).toBe(500_000);
  });

  it('holds no slot while it waits: many waiting calls do not starve what they wait for', async () => {
    const slow = executor.current.callAsync(async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return 1;
    }, 300);
    // More waiting calls than there are slots: if one held a slot, `quick` could not run before `slow` has ended.
    const waiting = executor.current.map(addOne, [slow, slow, slow, slow]);
    const quick = executor.current.map(addOne, [1, 2, 3, 4]);
    expect(await Promise.race([quick.then(() => 'quick'), waiting.then(() => 'waiting')])).toBe('quick');
    expect(await waiting).toEqual([2, 2, 2, 2]);
  });

  it('does not run a call whose input has no value, and says why', async () => {
    const upstream = executor.current.map(fail, [0, 1, 2]);
    const outcomes = await executor.current.map(addOne, upstream).settled();
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const reason = outcomes[1]?.status === 'rejected' ? outcomes[1].reason : undefined;
    expect(reason).toMatchObject({ code: 'CALL_INPUT_FAILED', call: { attempts: 0 } });
    expect(reason?.message).toContain('upstream broke');
  });

  it('cancels along the chain', async () => {
    const upstream = executor.current.map(() => new Promise((resolve) => setTimeout(resolve, 60_000)), [1]);
    const downstream = executor.current.map((value: unknown) => value, upstream);
    await upstream.cancel();
    expect(await rejection(downstream)).toMatchObject({ code: 'CALL_INPUT_FAILED' });
  });
});
