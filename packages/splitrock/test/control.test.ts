import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { FunctionExecutor, type JobCounts } from 'splitrock';
import { isAlive, optionsIn, rejection, until, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

/** A call that tells that it runs, and then waits for ever. */
const hang = async (marker: string): Promise<void> => {
  const { writeFileSync } = await import('node:fs');
  writeFileSync(marker, String(process.pid));
  await new Promise(() => setInterval(() => {}, 1_000));
};

describe('cancel', () => {
  it('stops running and waiting calls of a job, for good, and no other job', async () => {
    const markers = [0, 1, 2, 3].map((n) => join(folder.path, `cancel-${n}`));
    const job = executor.current.map(hang, markers, { abortGraceMs: 20, killGraceMs: 20 });
    await until('two calls run', () => existsSync(markers[0] as string) && existsSync(markers[1] as string));
    await job.cancel();
    const outcomes = await job.settled();
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      Array(4).fill('CALL_CANCELLED'),
    );
    expect(await executor.current.callAsync(() => 'alive')).toBe('alive');
    expect(existsSync(markers[3] as string)).toBe(false);
    expect((await rejection(job)).message).toContain('4 of 4 calls');
  });

  it('before a job has begun lets none of its calls run', async () => {
    const marker = join(folder.path, 'never');
    const job = executor.current.map(hang, [marker]);
    await job.cancel();
    expect(await rejection(job)).toMatchObject({ code: 'CALL_CANCELLED' });
    expect(existsSync(marker)).toBe(false);
  });

  it('of one call leaves its siblings', async () => {
    const job = executor.current.map(
      async (ms: number) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return ms;
      },
      [60_000, 10],
      { abortGraceMs: 20, killGraceMs: 20 },
    );
    await job.future(0).cancel();
    expect((await job.settled()).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('follows the signal', async () => {
    const controller = new AbortController();
    const marker = join(folder.path, 'signalled');
    const job = executor.current.map(hang, [marker], { signal: controller.signal, abortGraceMs: 20, killGraceMs: 20 });
    await until('the call runs', () => existsSync(marker));
    controller.abort();
    expect(await rejection(job)).toMatchObject({ code: 'CALL_CANCELLED' });
  });

  it('of the executor cancels all jobs', async () => {
    const other = new FunctionExecutor(optionsIn(folder));
    const jobs = [0, 1].map((n) =>
      other.map(hang, [join(folder.path, `all-${n}`)], { abortGraceMs: 20, killGraceMs: 20 }),
    );
    await other.cancel();
    for (const job of jobs) expect(await rejection(job)).toMatchObject({ code: 'CALL_CANCELLED' });
    await other.dispose();
  });
});

describe('limits', () => {
  it('runs at most `concurrency` calls at once', async () => {
    const other = new FunctionExecutor(
      optionsIn(folder, { backends: { localhost: { workerProcesses: 1, callsPerProcess: 20 } } }),
    );
    const job = other.map(
      async () => {
        const scope = globalThis as { running?: number };
        scope.running = (scope.running ?? 0) + 1;
        const seen = scope.running;
        await new Promise((resolve) => setTimeout(resolve, 10));
        scope.running -= 1;
        return seen;
      },
      Array.from({ length: 20 }, (_, n) => n),
      { concurrency: 3 },
    );
    expect(Math.max(...(await job))).toBe(3);
    await other.dispose();
  });

  it('starts no more calls than the rate allows', async () => {
    const job = executor.current.map(() => Date.now(), [1, 2, 3, 4], { rateLimit: { calls: 1, perMs: 100 } });
    const starts = (await job).toSorted((a, b) => a - b);
    // Timers never fire early, so the last start is at least three periods after the first, less one for scheduling.
    expect((starts[3] as number) - (starts[0] as number)).toBeGreaterThanOrEqual(200);
  });

  it('sets environment variables for the calls of a job only', async () => {
    const read = (): string | undefined => process.env['SPLITROCK_TEST_FLAVOUR'];
    expect(await executor.current.map(read, [1], { env: { SPLITROCK_TEST_FLAVOUR: 'sweet' } })).toEqual(['sweet']);
    expect(await executor.current.map(read, [1, 2, 3, 4])).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('gives a slot as many calls at a time as `chunkSize` says, with the same results', async () => {
    const inputs = Array.from({ length: 50 }, (_, n) => n);
    expect(await executor.current.map((n: number) => n, inputs, { chunkSize: 7 })).toEqual(inputs);
  });

  it('refuses calls that ask for more slots than there are, with the numbers', async () => {
    const error = await rejection(executor.current.map((n: number) => n, [1], { cpu: 64 }));
    expect(error).toMatchObject({ code: 'BACKEND_CANNOT_RUN' });
    expect(error.message).toMatch(/64/);
  });

  it('does not count what an idle slot needs against a call’s memory', async () => {
    const fill = (bytes: number): number => Buffer.alloc(bytes, 1).length;
    expect(await executor.current.map(fill, [2 ** 20, 2 ** 23], { memoryMiB: 32 })).toEqual([2 ** 20, 2 ** 23]);
  });

  it('ends a call that needs more memory than it may have as out of memory', async () => {
    const job = executor.current.map(
      () => {
        const hoard: unknown[] = [];
        for (;;) hoard.push(Array.from({ length: 10_000 }, () => ({})));
      },
      [1],
      { memoryMiB: 100, lostAttempts: 1 },
    );
    expect(await rejection(job)).toMatchObject({ code: 'CALL_LOST', reason: { kind: 'out-of-memory' } });
  });
});

describe('speculate', () => {
  it('runs a backup copy of a straggler and takes the first result', async () => {
    const job = executor.current.map(
      async (n: number, { attempt }) => {
        // Only the first copy of the last call hangs.
        await new Promise((resolve) => setTimeout(resolve, n === 5 && attempt === 1 ? 60_000 : 10));
        return attempt;
      },
      [0, 1, 2, 3, 4, 5],
      { speculate: { quantile: 0.5, factor: 2, minMs: 50 }, abortGraceMs: 20, killGraceMs: 20 },
    );
    expect(await job).toEqual([1, 1, 1, 1, 1, 2]);
  });
});

describe('wait and getResult', () => {
  it('waits for all, for any, and for a percentage', async () => {
    const nap = async (ms: number): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return ms;
    };
    const job = executor.current.map(nap, [1, 400]);
    const any = await executor.current.wait(job, { returnWhen: 'any' });
    expect(any.done.map(({ callId }) => callId)).toEqual([0]);
    expect(any.notDone.map(({ callId }) => callId)).toEqual([1]);
    expect((await executor.current.wait(job, { returnWhen: 50 })).done).toHaveLength(1);
    expect((await executor.current.wait(job)).notDone).toEqual([]);
  });

  it('a wait that times out stops nothing', async () => {
    const job = executor.current.map(async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return 'done';
    }, [1]);
    const { done, notDone } = await executor.current.wait(job, { timeoutMs: 1 });
    expect([done.length, notDone.length]).toEqual([0, 1]);
    expect(await job).toEqual(['done']);
  });

  it('waiting for nothing returns at once', async () => {
    expect(await executor.current.wait([])).toEqual({ done: [], notDone: [] });
  });

  it.each([0, 101, Number.NaN, 'most'])('refuses returnWhen: %s', async (returnWhen) => {
    const job = executor.current.map((n: number) => n, [1]);
    const error = await rejection(executor.current.wait(job, { returnWhen: returnWhen as never }));
    expect(error).toMatchObject({ code: 'ARGUMENT_INVALID' });
  });

  it('getResult gives unread results in the order of their jobs, or the bare value of a single call', async () => {
    const other = new FunctionExecutor(optionsIn(folder));
    const same = (n: number): number => n;
    other.map(same, [1, 2]);
    other.map(same, [3, 4]);
    expect(await other.getResult()).toEqual([1, 2, 3, 4]);
    const later = other.map(same, [5]);
    expect(await other.getResult()).toEqual([5]);
    other.callAsync(same, 6);
    expect(await other.getResult()).toBe(6);
    expect(await other.getResult(later)).toEqual([5]);
    expect(await other.getResult(later.future(0))).toBe(5);
    expect(await other.getResult([later, later.future(0)])).toEqual([5, 5]);
    await other.dispose();
  });
});

describe('events', () => {
  it('tell of starts, ends, retries, output and progress', async () => {
    const seen: string[] = [];
    const counts: JobCounts[] = [];
    const job = executor.current.map(
      (n: number, { attempt, log }) => {
        console.log(`printed by ${n}`);
        log.info('noted', { n });
        if (n === 1 && attempt === 1) throw new Error('once');
        if (n === 2) throw new Error('always');
      },
      [0, 1, 2],
      { retries: { attempts: 2, backoffMs: 1 } },
    );
    job.on('job:start', ({ jobId }) => seen.push(`start ${jobId === job.id}`));
    job.on('call:retry', ({ callId, message }) => seen.push(`retry ${callId} ${message}`));
    job.on('call:finish:success', ({ callId, attempts }) => seen.push(`success ${callId} ${attempts}`));
    job.on('call:finish:error', ({ callId, error }) => seen.push(`error ${callId} ${error.code}`));
    job.on('call:log', ({ callId, stream, text }) => seen.push(`${stream} ${callId} ${text.trim()}`));
    job.on('job:progress', (event) => counts.push(event));
    job.on('job:finish', ({ settled, failed }) => seen.push(`finish ${settled} ${failed}`));
    await job.settled();
    expect(seen[0]).toBe('start true');
    expect(seen).toContain('retry 1 Error: once');
    expect(seen).toContain('success 1 2');
    expect(seen).toContain('error 2 CALL_FAILED');
    expect(seen).toContain('stdout 0 printed by 0');
    expect(seen).toContain('log 0 noted');
    expect(seen.at(-1)).toBe('finish 3 1');
    expect(counts.at(-1)).toMatchObject({ settled: 3, total: 3, failed: 1, inFlight: 0 });
  });

  it('a listener that throws breaks nothing', async () => {
    const job = executor.current.map((n: number) => n, [1]);
    job.on('job:finish', () => {
      throw new Error('bad listener');
    });
    expect(await job).toEqual([1]);
  });

  it('stop when the listener is taken off', async () => {
    const job = executor.current.map((n: number) => n, [1]);
    let heard = 0;
    job.on('call:finish:success', () => (heard += 1))();
    await job;
    expect(heard).toBe(0);
  });
});

describe('plot', () => {
  it('writes the timeline and the histogram, as SVG and PNG', async () => {
    const job = executor.current.map((n: number) => n, [1, 2, 3], { name: 'drawn' });
    await job;
    const paths = await executor.current.plot({ jobs: [job], directory: join(folder.path, 'plots'), name: 'p' });
    expect(Object.values(paths).filter((path) => existsSync(path))).toHaveLength(4);
    expect((await readdir(join(folder.path, 'plots'))).toSorted()).toHaveLength(4);
  });

  it('refuses to draw nothing', async () => {
    const other = new FunctionExecutor(optionsIn(folder));
    expect(await rejection(other.plot())).toMatchObject({ code: 'ARGUMENT_INVALID' });
    await other.dispose();
  });
});

describe('clean and dispose', () => {
  const keys = async (owner: FunctionExecutor, prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of owner.storage.list(prefix)) found.push(key);
    return found;
  };

  it('clean removes exactly the objects of the given jobs', async () => {
    const one = executor.current.map((n: number) => n, [1]);
    const other = executor.current.map((n: number) => n, [2]);
    await Promise.all([one, other]);
    const prefix = (id: string): string => `jobs/${executor.current.id}/${id.split('-')[1]?.padStart(6, '0')}/`;
    expect(await keys(executor.current, prefix(one.id))).not.toEqual([]);
    const { removed } = await executor.current.clean([one]);
    expect(removed['objects']).toBeGreaterThan(0);
    expect(await keys(executor.current, prefix(one.id))).toEqual([]);
    expect(await keys(executor.current, prefix(other.id))).not.toEqual([]);
  });

  it('clean forgets what has ended: it costs no memory, is in no later wait, and is not run again', async () => {
    await using other = new FunctionExecutor(optionsIn(folder));
    const job = other.map((n: number) => (n === 0 ? n : Promise.reject(new Error('no'))), [0, 1]);
    await job.settled();
    const weak = new WeakRef(other.map((n: number) => n, [1]));
    await other.wait();
    await other.clean();
    expect(await other.wait()).toEqual({ done: [], notDone: [] });
    expect(await other.getResult()).toEqual([]);
    expect(() => job.retryFailed()).toThrow(expect.objectContaining({ code: 'ILLEGAL_STATE' }));
    expect(await job.settled()).toMatchObject([{ value: 0 }, { status: 'rejected' }]);
    const next = other.map((n: number) => n, [2]);
    expect(next.id).toBe(`${other.id}-3`);
    expect(await next).toEqual([2]);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await until('the forgotten job is collected', () => (collect(), weak.deref() === undefined));
  });

  it('dispose cancels what runs, ends the workers and removes what the jobs left', async () => {
    const other = new FunctionExecutor(optionsIn(folder));
    const pid = await other.callAsync(() => process.pid);
    const marker = join(folder.path, 'disposed');
    const job = other.map(hang, [marker], { abortGraceMs: 20, killGraceMs: 20 });
    await until('the call runs', () => existsSync(marker));
    await other.dispose();
    expect(await rejection(job)).toMatchObject({ code: 'CALL_CANCELLED' });
    await until('the slot process is gone', () => !isAlive(pid));
    expect(await keys(executor.current, `jobs/${other.id}/`)).toEqual([]);
    await other.dispose();
  });

  it('dispose keeps what detached jobs left', async () => {
    const other = new FunctionExecutor(optionsIn(folder));
    const job = other.map((n: number) => n, [1], { detached: true });
    await job;
    await other.dispose();
    expect(await keys(executor.current, `jobs/${other.id}/`)).not.toEqual([]);
  });

  it('an executor that was never used starts nothing and disposes at once', async () => {
    await using other = new FunctionExecutor({ storage: 'no-such-plugin' });
    expect(other.id).toMatch(/^[a-z][a-z0-9]{11}$/);
  });
});

describe('configuration trouble', () => {
  it('reaches whoever waits for the job', async () => {
    const other = new FunctionExecutor(optionsIn(folder, { backend: 'locahost' }));
    expect(await rejection(other.map((n: number) => n, [1]))).toMatchObject({ code: 'PLUGIN_NOT_FOUND' });
    await other.dispose();
  });
});
