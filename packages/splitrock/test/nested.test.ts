import { describe, expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

describe('executors inside calls', { timeout: 60_000 }, () => {
  it('run jobs of their own with the configuration of the call around them', async () => {
    const job = executor.current.map(
      async (size: number) => {
        const inner = new FunctionExecutor();
        try {
          return await inner.map(
            (n: number) => n,
            Array.from({ length: size }, (_, n) => n),
          );
        } finally {
          await inner.dispose();
        }
      },
      [0, 1, 2],
    );
    expect(await job).toEqual([[], [0], [0, 1]]);
  });

  it('functions may return jobs and futures: their values are the results', async () => {
    const job = executor.current.callAsync(
      (numbers: number[]) => {
        const inner = new FunctionExecutor();
        return inner.map((n: number) => n * 2, numbers);
      },
      [1, 2, 3],
    );
    expect(await job).toEqual([2, 4, 6]);
    const future = executor.current.callAsync(
      (n: number) => new FunctionExecutor().callAsync((m: number) => m * 3, n),
      3,
    );
    expect(await future).toBe(9);
  });

  it('functions may not hide futures in values: the path is told, and nothing arrives without its value', async () => {
    const future = executor.current.callAsync(() => ({ parts: [new FunctionExecutor().callAsync(() => 1)] }));
    await expect(future).rejects.toThrow(/parts\[0\].*await it first/s);
    expect(() => executor.current.map((x: unknown) => x, [{ from: executor.current.callAsync(() => 1) }])).toThrow(
      /Input 0 cannot travel.*\.from/s,
    );
  });

  it('pass failures on', async () => {
    const future = executor.current.callAsync(async () => {
      await new FunctionExecutor().callAsync(() => {
        throw new Error('deep down');
      });
    });
    await expect(future).rejects.toThrow(/deep down/);
  });
});
