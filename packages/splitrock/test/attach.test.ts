import { describe, expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { optionsIn, rejection, useFolder } from './support.ts';

const folder = useFolder();

describe('attach', () => {
  it('gives instances of the other program’s classes as plain data', async () => {
    class Point {
      readonly x: number;
      constructor(x: number) {
        this.x = x;
      }
    }
    await using first = new FunctionExecutor(optionsIn(folder));
    const job = first.map((x: number) => new Point(x), [1, 2], { detached: true });
    expect((await job)[0]).toBeInstanceOf(Point);
    await using second = new FunctionExecutor(optionsIn(folder));
    expect(await second.attach(job.id)).toEqual([{ x: 1 }, { x: 2 }]);
  });

  it('gives the same job when it is this executor’s own', async () => {
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.map((n: number) => n, [1]);
    expect(executor.attach(job.id)).toBe(job);
    await job;
  });

  it.each(['', 'x', 'abc-1', 'abcdefghijkl-0', '../../etc-1', undefined, 5])(
    'refuses %j, which is no job id',
    async (id) => {
      await using executor = new FunctionExecutor(optionsIn(folder));
      expect(() => executor.attach(id as string)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }));
    },
  );

  it('says that a job is not in storage', async () => {
    await using executor = new FunctionExecutor(optionsIn(folder));
    expect(await rejection(executor.attach('abcdefghijkl-7'))).toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});
