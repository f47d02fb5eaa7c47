import { describe, expect, it } from 'vitest';
import { WorkerHarness, inlineValue } from '../../test/worker-harness.ts';

const threads = { kind: 'thread', workerProcesses: 2 } as const;

describe('slots that are threads', () => {
  it('run calls in the worker’s own process', async () => {
    await using harness = await WorkerHarness.start(threads);
    const items = Array.from({ length: 200 }, (_, index) => index);
    expect(await harness.values({ source: '(item) => item + 1', items })).toEqual(items.map((item) => item + 1));
    expect(await harness.values({ source: '() => process.pid' })).toEqual([process.pid]);
  });

  it('have their job’s environment variables to themselves', async () => {
    await using harness = await WorkerHarness.start(threads);
    const source = '() => process.env.SPLITROCK_TEST_VARIABLE';
    expect(await harness.values({ source, run: { env: { SPLITROCK_TEST_VARIABLE: 'set' } } })).toEqual(['set']);
    expect(process.env['SPLITROCK_TEST_VARIABLE']).toBe(undefined);
  });

  it('end at process.exit and lose their call alone', async () => {
    await using harness = await WorkerHarness.start(threads);
    const source =
      '(item) => { if (item === 1) process.exit(5); return new Promise((done) => setTimeout(() => done(item), 20)); }';
    const finished = await harness.run({ source, items: [0, 1, 2] });
    expect(finished[1]?.outcome).toMatchObject({ kind: 'lost', reason: { kind: 'exit', exitCode: 5 } });
    expect([finished[0], finished[2]].map((each) => inlineValue(each))).toEqual([0, 2]);
  });

  it('tell stray errors of their call', async () => {
    await using harness = await WorkerHarness.start(threads);
    const source = '() => { setTimeout(() => { throw new Error("stray"); }, 1); return new Promise(() => {}); }';
    const [finished] = await harness.run({ source });
    expect(finished?.outcome).toMatchObject({ kind: 'error', message: 'stray' });
    expect(await harness.values({ source: '() => "next"' })).toEqual(['next']);
  });

  it('are terminated in a busy loop at the timeout', async () => {
    await using harness = await WorkerHarness.start(threads);
    const [finished] = await harness.run({ source: '() => { for (;;); }', run: { timeoutMs: 200 } });
    expect(finished?.outcome).toMatchObject({ kind: 'timeout', timeoutMs: 200, by: 'SIGTERM' });
  });

  it('end out of memory at their job’s heap limit', async () => {
    await using harness = await WorkerHarness.start(threads);
    // In small steps: V8 cannot promise to end just the thread when one large step goes past its limit.
    const source = `async () => {
      const all = [];
      for (;;) {
        for (let step = 0; step < 2000; step += 1) all.push({ step, text: 'x' + step });
        await new Promise((done) => setImmediate(done));
      }
    }`;
    const [finished] = await harness.run({ source, run: { memoryMiB: 64 } });
    expect(finished?.outcome).toMatchObject({ kind: 'lost', reason: { kind: 'out-of-memory' } });
  });

  it('give back calls behind a long one to a free slot', async () => {
    await using harness = await WorkerHarness.start(threads);
    const source =
      '(item) => { if (item === 0) { const end = performance.now() + 1500; while (performance.now() < end); } return item; }';
    const finished = await harness.run({ source, items: [0, 1, 2, 3], run: { chunkSize: 2 } });
    const [long, behind] = finished;
    expect(behind?.finishedAtMs).toBeLessThan(long?.finishedAtMs as number);
    expect(behind?.slot).not.toBe(long?.slot);
  });
});
