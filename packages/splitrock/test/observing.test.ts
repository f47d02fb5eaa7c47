import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FunctionExecutor, type JobListener, type Logger } from 'splitrock';
import { optionsIn, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

describe('events', () => {
  it('tell when a call that takes a while begins, before it ends, with worker and attempt', async () => {
    const told = join(folder.path, 'told');
    const job = executor.current.map(
      async (file: string) => {
        const { existsSync } = await import('node:fs');
        while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
      },
      [told],
    );
    const seen: string[] = [];
    let workerId = '';
    job.on('call:start', (event) => {
      seen.push(`start ${event.callId} ${event.attempt}`);
      workerId = event.workerId;
      writeFileSync(told, '');
    });
    job.on('call:finish:success', ({ callId }) => seen.push(`success ${callId}`));
    await job;
    expect(seen).toEqual(['start 0 1', 'success 0']);
    expect(workerId).toBe(job.records()[0]?.workerId);
  });

  it('tell of workers that come and go while the job runs, with the reason', async () => {
    await using other = new FunctionExecutor(optionsIn(folder));
    const changes: Parameters<JobListener<'worker:change'>>[0][] = [];
    const job = other.map(
      async (_: number, { attempt }) => {
        if (attempt === 1) process.kill(process.ppid, 'SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, attempt === 1 ? 60_000 : 1));
        return attempt;
      },
      [0],
    );
    job.on('worker:change', (change) => changes.push(change));
    expect(await job).toEqual([2]);
    const lost = changes.findIndex(({ change }) => change === 'lost');
    expect(changes[lost]).toMatchObject({ reason: { signal: 'SIGKILL' } });
    expect(changes.slice(lost + 1).map(({ change }) => change)).toContain('started');
  });
});

describe('a call’s record', () => {
  it('is there once the call has ended: where it ran, when, which attempt, and how it ended', async () => {
    const job = executor.current.map(
      async (n: number, { attempt }) => {
        if (n === 1) throw new Error('always');
        if (attempt === 1) throw new Error('once');
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
      [0, 1],
      { name: 'recorded', retries: { attempts: 2, backoffMs: 1 } },
    );
    await job.settled();
    const record = await job.future(0).record();
    expect(record).toMatchObject({ callId: 0, attempt: 2, jobName: 'recorded', outcome: 'value' });
    expect(record?.workerId).toMatch(/^localhost-/);
    expect([0, 1]).toContain(record?.slot);
    const { submittedAtMs = 0, startedAtMs = 0, finishedAtMs = 0 } = record ?? {};
    expect(submittedAtMs).toBeLessThanOrEqual(startedAtMs);
    expect(finishedAtMs - startedAtMs).toBeGreaterThanOrEqual(19);
    expect(await job.future(1).record()).toMatchObject({ attempt: 2, outcome: 'error' });
    expect(job.records().map(({ callId }) => callId)).toEqual([0, 1]);
  });

  it('tells the processor time that the call used', async () => {
    const future = executor.current.callAsync(() => {
      const end = process.cpuUsage().user + 50_000;
      while (process.cpuUsage().user < end);
    });
    await future;
    expect((await future.record())?.usage?.cpuUserMs).toBeGreaterThanOrEqual(45);
  });
});

describe('futures', () => {
  it('are those of all calls, in input order', async () => {
    const job = executor.current.map((n: number) => n * 2, [1, 2, 3]);
    const futures = await job.futures();
    expect(futures.map(({ callId, jobId }) => `${jobId} ${callId}`)).toEqual([0, 1, 2].map((id) => `${job.id} ${id}`));
    expect(await Promise.all(futures)).toEqual([2, 4, 6]);
    expect(await futures[2]?.result()).toBe(6);
    expect(await futures[1]?.settled()).toEqual({ status: 'fulfilled', callId: 1, attempts: 1, value: 4 });
    expect(await job.finalSize).toBe(3);
  });
});

describe('options that bound what travels', () => {
  it('maxLogBytes: output beyond it is left out and counted', async () => {
    const job = executor.current.map(() => console.log('x'.repeat(5_000)), [0], { maxLogBytes: 100 });
    let bytes = 0;
    let truncatedBytes = 0;
    job.on('call:log', ({ text, extra }) => {
      if (typeof extra?.['truncatedBytes'] === 'number') truncatedBytes += extra['truncatedBytes'];
      else bytes += text.length;
    });
    await job;
    expect(bytes).toBeLessThanOrEqual(100);
    expect(bytes + truncatedBytes).toBeGreaterThanOrEqual(5_000);
  });

  it.each([
    [0, 1],
    [1_000, 0],
  ])('inlineResultBytes: %i puts %i result(s) of a small call into storage', async (inlineResultBytes, stored) => {
    await using other = new FunctionExecutor(optionsIn(folder));
    const job = other.map((n: number) => n, [7], { inlineResultBytes });
    expect(await job).toEqual([7]);
    const keys: string[] = [];
    for await (const { key } of other.storage.list(`jobs/${other.id}/`)) if (key.includes('/results/')) keys.push(key);
    expect(keys).toHaveLength(stored);
  });
});

describe('options of the executor', () => {
  it('cleanOnDispose: false leaves what jobs left', async () => {
    const other = new FunctionExecutor(optionsIn(folder, { cleanOnDispose: false }));
    await other.map((n: number) => n, [1]);
    await other.dispose();
    const keys: string[] = [];
    for await (const { key } of executor.current.storage.list(`jobs/${other.id}/`)) keys.push(key);
    expect(keys).not.toEqual([]);
  });

  it('logger: gets what is logged, with the facts', async () => {
    const lines: [string, object | undefined][] = [];
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (message, fields) => void lines.push([message, fields]),
      error: (message, fields) => void lines.push([message, fields]),
      child: () => logger,
    };
    await using other = new FunctionExecutor(optionsIn(folder, { logger }));
    const job = other.map((n: number) => n, [1]);
    job.on('job:finish', () => {
      throw new Error('bad listener');
    });
    await job;
    expect(JSON.stringify(lines.map(([message, fields]) => [message, Object.keys(fields ?? {})]))).toMatch(/listener/i);
  });
});
