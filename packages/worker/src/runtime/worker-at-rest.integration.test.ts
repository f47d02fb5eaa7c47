import { systemClock, type Clock } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { WorkerHarness } from '../../test/worker-harness.ts';

/** The machine's clock, and how many of its timers are set. */
function countingClock(): Clock & { readonly timers: Set<object> } {
  const timers = new Set<object>();
  return {
    timers,
    now: () => systemClock.now(),
    setTimer(callback, delayMs, options) {
      const timer = systemClock.setTimer(
        () => {
          timers.delete(entry);
          callback();
        },
        delayMs,
        options,
      );
      const entry = {
        cancel: (): void => {
          timers.delete(entry);
          timer.cancel();
        },
      };
      timers.add(entry);
      return entry;
    },
  };
}

describe('a worker at rest', () => {
  it('has no timer, whatever it did before', async () => {
    const clock = countingClock();
    await using harness = await WorkerHarness.start({ workerProcesses: 2 }, { clock });
    const source = '(item) => new Promise((done) => setTimeout(done, item))';
    await harness.run({ source, items: [1, 150, 300], run: { timeoutMs: 600_000 } });
    await expect.poll(() => clock.timers.size).toBe(0);
  });
});

describe('calls behind a long one in a slot', () => {
  it('run in another that is free, although the long one blocks its thread', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    const source = `(item) => {
      if (item === 0) { const end = performance.now() + 2500; while (performance.now() < end); }
      return item;
    }`;
    await harness.values({ source: '(item) => new Promise((done) => setTimeout(done, 50))', items: [0, 1] });
    const finished = await harness.run({ source, items: [0, 1, 2, 3, 4, 5], run: { chunkSize: 3 } });
    const [long] = finished;
    for (const behind of finished.slice(1)) {
      expect(behind.slot).not.toBe(long?.slot);
      expect(behind.finishedAtMs).toBeLessThan(long?.finishedAtMs as number);
    }
  });
});

describe('slots that cannot start', () => {
  it('give calls back with the reason after a few tries', async () => {
    const options = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = '--import=data:text/javascript,process.exit(9)';
    try {
      await using harness = await WorkerHarness.start();
      await harness.submit({ source: '() => 1' });
      await harness.source.answered(1);
      expect(harness.source.answers).toMatchObject([
        { answer: 'given-back', reason: { kind: 'start-failed', exitCode: 9, workerId: 'w1' } },
      ]);
      expect(harness.source.capacity).toBe(0);
    } finally {
      process.env['NODE_OPTIONS'] = options;
    }
  });
});

describe('a full JavaScript heap', () => {
  it('is told from V8’s own last words', async () => {
    const options = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = `${options} --max-old-space-size=40`;
    try {
      await using harness = await WorkerHarness.start();
      const [finished] = await harness.run({
        source: '() => { const all = []; for (;;) all.push({ at: all.length }); }',
      });
      expect(finished?.outcome).toMatchObject({ kind: 'lost', reason: { kind: 'out-of-memory' } });
      expect(JSON.stringify(finished?.outcome)).toContain('JavaScript heap was full');
    } finally {
      process.env['NODE_OPTIONS'] = options;
    }
  });
});

describe('a slot process that has grown', () => {
  it('is replaced when it is idle', async () => {
    await using harness = await WorkerHarness.start({}, { maxIdleRssMiB: 200 });
    const [before] = await harness.values({
      source: '() => { globalThis.kept = Buffer.alloc(300 * 2 ** 20, 1); return process.pid; }',
    });
    const [after] = await harness.values({ source: '() => process.pid' });
    expect(after).not.toBe(before);
  });
});
