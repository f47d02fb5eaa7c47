import { describe, expect, it } from 'vitest';
import { WorkerHarness, inlineValue } from '../../test/worker-harness.ts';

/** Call 0 blocks its process until all others, which are short, have left a mark. */
const blocking = (folder: string, calls: number): string => `(item) => {
  const { readdirSync, writeFileSync } = process.getBuiltinModule('node:fs');
  if (item > 0) { writeFileSync(${JSON.stringify(folder)} + '/mark-' + item, ''); return item; }
  const end = Date.now() + 30000;
  const marks = () => readdirSync(${JSON.stringify(folder)}).filter((name) => name.startsWith('mark-')).length;
  while (marks() < ${calls - 1} && Date.now() < end);
  return marks();
}`;

describe.each([
  ['whose control thread is there from the start', false],
  ['that the kernel ends with its worker', true],
])('a slot process %s', (_what, slotsEndWithWorker) => {
  it.each([
    ['handed out together', { chunkSize: 8 }],
    ['handed out as they are found to be short', {}],
  ])('gives back calls, %s, that wait behind one that blocks it', async (_how, run) => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 }, { slotsEndWithWorker });
    const items = Array.from({ length: 40 }, (_, item) => item);
    const finished = await harness.run({ source: blocking(harness.directory, items.length), items, run });
    expect(finished.map((each) => inlineValue(each))).toEqual([39, ...items.slice(1)]);
    expect(harness.source.answers).toHaveLength(items.length);
  });

  it('runs what comes after that', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 }, { slotsEndWithWorker });
    const items = Array.from({ length: 40 }, (_, item) => item);
    await harness.run({ source: blocking(harness.directory, items.length), items });
    expect(await harness.values({ source: '(item) => item', items })).toEqual(items);
    expect(await harness.values({ source: '(item) => -item', items: items.slice(1) })).toEqual(
      items.slice(1).map((item) => -item),
    );
  });
});

describe('a worker of many slots', () => {
  it('starts as many processes at once as it was told, and all in the end', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 6 }, { startsAtOnce: 1 });
    const source = '() => new Promise((done) => setTimeout(() => done(process.pid), 100))';
    await expect
      .poll(async () => new Set(await harness.values({ source, items: [1, 2, 3, 4, 5, 6] })).size, { timeout: 30_000 })
      .toBe(6);
  });
});
