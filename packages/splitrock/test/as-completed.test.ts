import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rejection, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

const nap = async (ms: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};

describe('asCompleted', () => {
  it('gives outcomes as calls end, not in input order', async () => {
    const order: number[] = [];
    const second = join(folder.path, 'the second call has ended');
    const first = async (isFirst: boolean): Promise<void> => {
      while (isFirst && !existsSync(second)) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    for await (const outcome of executor.current.map(first, [true, false]).asCompleted()) {
      order.push(outcome.callId);
      if (outcome.callId === 1) await writeFile(second, '');
    }
    expect(order).toEqual([1, 0]);
  });

  it('gives failures as outcomes, with their place', async () => {
    const job = executor.current.map(
      (n: number) => {
        if (n === 1) throw new Error('odd one');
        return n;
      },
      [0, 1, 2],
    );
    const seen = new Map<number, string>();
    for await (const outcome of job.asCompleted()) seen.set(outcome.callId, outcome.status);
    expect(seen).toEqual(
      new Map([
        [0, 'fulfilled'],
        [1, 'rejected'],
        [2, 'fulfilled'],
      ]),
    );
  });

  it('lets several iterations each see every call, also after the end', async () => {
    const job = executor.current.map((n: number) => n, [1, 2, 3]);
    const collect = async (): Promise<number[]> => {
      const ids: number[] = [];
      for await (const { callId } of job.asCompleted()) ids.push(callId);
      return ids.toSorted((a, b) => a - b);
    };
    expect(await Promise.all([collect(), collect()])).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(await collect()).toEqual([0, 1, 2]);
  });

  it('reads an endless input only a little ahead of its consumer', async () => {
    let produced = 0;
    function* endless() {
      for (;;) yield produced++;
    }
    const job = executor.current.map((n: number) => n, endless(), { readAhead: 10 });
    let taken = 0;
    for await (const outcome of job.asCompleted({ keep: false })) {
      expect(outcome.status).toBe('fulfilled');
      taken += 1;
      // Whatever is produced is taken, in flight, or finished and waiting: never more than the window.
      expect(produced).toBeLessThanOrEqual(taken + 10);
      if (taken === 50) break;
    }
    await job.cancel();
    const atCancel = produced;
    await executor.current.wait(job);
    expect(produced).toBe(atCancel);
  });

  it('with keep: false lets results go, and says so to whoever awaits the job', async () => {
    const job = executor.current.map((n: number) => n, [1, 2]);
    for await (const outcome of job.asCompleted({ keep: false })) expect(outcome.status).toBe('fulfilled');
    expect(await rejection(job)).toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('stops nothing when it is left early', async () => {
    const job = executor.current.map(nap, [1, 50, 100]);
    for await (const _ of job.asCompleted()) break;
    expect(await job).toEqual([1, 50, 100]);
  });
});
