import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rejection, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

const double = (n: number): number => n * 2;
const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

describe('mapReduce', () => {
  it('reduces all map results, in input order', async () => {
    expect(await executor.current.mapReduce(double, [1, 2, 3, 4], sum)).toBe(20);
    const words = executor.current.mapReduce(
      (word: string) => word.toUpperCase(),
      ['c', 'a', 'b'],
      (all: string[]) => all.join(''),
    );
    expect(await words).toBe('CAB');
  });

  it('keeps null and undefined among the results', async () => {
    const reduced = executor.current.mapReduce(
      (n: number) => (n === 1 ? undefined : null),
      [0, 1],
      (all) => all,
    );
    expect(await reduced).toEqual([null, undefined]);
  });

  it('reduces no results at all', async () => {
    expect(await executor.current.mapReduce(double, [] as number[], sum)).toBe(0);
  });

  it('reads generators', async () => {
    function* numbers() {
      for (let n = 1; n <= 1_500; n += 1) yield n;
    }
    expect(await executor.current.mapReduce(double, numbers(), sum)).toBe(1_500 * 1_501);
  });

  it('reduces once per key, in order of first appearance', async () => {
    const reduced = executor.current.mapReduce(double, [1, 2, 3, 4, 5], sum, {
      reduceBy: (n) => (n % 2 === 0 ? 'even' : 'odd'),
    });
    expect([...(await reduced)]).toEqual([
      ['odd', 18],
      ['even', 12],
    ]);
  });

  it('reduces as a tree, so that no call takes more than the fan-in', async () => {
    const sizes = (values: { sum: number; most: number }[]): { sum: number; most: number } => ({
      sum: values.reduce((total, value) => total + value.sum, 0),
      most: Math.max(values.length, ...values.map(({ most }) => most)),
    });
    const reduced = executor.current.mapReduce(
      (n: number) => ({ sum: n, most: 0 }),
      Array.from({ length: 30 }, (_, n) => n),
      sizes,
      { fanIn: 3 },
    );
    expect(await reduced).toEqual({ sum: 435, most: 3 });
    expect(await reduced.reduceJob.finalSize).toBe(10 + 4 + 2 + 1);
  });

  it('reduces each key as a tree', async () => {
    const reduced = executor.current.mapReduce(
      double,
      Array.from({ length: 9 }, (_, n) => n),
      sum,
      { reduceBy: (n) => n % 2, fanIn: 2 },
    );
    expect([...(await reduced)]).toEqual([
      [0, 40],
      [1, 32],
    ]);
  });

  it('starts no reduce call before its inputs are complete', async () => {
    const reduced = executor.current.mapReduce(
      async (ms: number) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return Date.now();
      },
      [1, 200],
      (ends: number[]) => ({ startedAt: Date.now(), ends }),
    );
    const { startedAt, ends } = await reduced;
    expect(startedAt).toBeGreaterThanOrEqual(Math.max(...ends));
  });

  it('can be the input of another call', async () => {
    const reduced = executor.current.mapReduce(double, [1, 2], sum);
    expect(await executor.current.callAsync((value: number) => value + 1, reduced)).toBe(7);
  });

  it('fails with the error of the map call that failed', async () => {
    const broken = executor.current.mapReduce(
      (n: number) => {
        if (n === 2) throw new Error('map broke');
        return n;
      },
      [1, 2, 3],
      sum,
    );
    expect(await rejection(broken)).toMatchObject({
      code: 'CALL_FAILED',
      call: { callId: 1 },
      message: expect.stringContaining('map broke'),
    });
  });

  it('fails with the error of the reduce function, which has its own options', async () => {
    const broken = executor.current.mapReduce(
      double,
      [1],
      (_: number[], { attempt }) => {
        throw new Error(`reduce broke ${attempt}`);
      },
      { reduce: { retries: { attempts: 2, backoffMs: 1 } } },
    );
    expect((await rejection(broken)).message).toContain('reduce broke 2');
  });

  it('runs no map when the reduce function cannot travel', async () => {
    const marker = join(folder.path, 'mapped');
    const later = Promise.resolve(1);
    const map = async (file: string): Promise<void> => (await import('node:fs')).writeFileSync(file, '');
    expect(() => executor.current.mapReduce(map, [marker], () => later)).toThrow(
      expect.objectContaining({ code: 'SHIP_PROMISE' }),
    );
    // One call later everything that was started before it has run, or never will.
    await executor.current.wait();
    expect(await executor.current.callAsync(() => 'next')).toBe('next');
    expect(existsSync(marker)).toBe(false);
  });

  it('refuses bad arguments at once, all of them', () => {
    const start = (): unknown =>
      executor.current.mapReduce(double, [1], undefined as never, { fanIn: 1, reduceBy: 'x' as never });
    expect(start).toThrow(/reduce function.*fanIn.*reduceBy/s);
  });
});
