import { encodeGather, encodeValue, resultKey, INPUT_GATHER, type CallFinished } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { WorkerHarness, decodedError, inlineValue } from '../../test/worker-harness.ts';

describe('a call’s value', () => {
  it('comes back for every call, in place', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    const items = Array.from({ length: 500 }, (_, index) => index);
    expect(await harness.values({ source: '(item) => item * 2', items })).toEqual(items.map((item) => item * 2));
    expect(harness.source.answers.map(({ answer }) => answer)).toEqual(items.map(() => 'done'));
  });

  it('is what the promise or thenable that it returned resolves to', async () => {
    await using harness = await WorkerHarness.start();
    const source = '(item) => ({ then(done) { setTimeout(() => done(item), 1); } })';
    expect(await harness.values({ source, items: ['later'] })).toEqual(['later']);
  });

  it('may be undefined', async () => {
    await using harness = await WorkerHarness.start();
    expect(await harness.values({ source: '() => undefined' })).toEqual([undefined]);
  });

  it('goes to storage when it is large', async () => {
    await using harness = await WorkerHarness.start();
    const job = await harness.submit({ source: '() => "x".repeat(100000)', attempt: 3 });
    await harness.source.answered(1);
    const key = resultKey(job, 0, 3, 'w1');
    expect(harness.publisher.finished()[0]?.outcome).toMatchObject({ kind: 'value', key });
    expect(await harness.storage.head(key)).toMatchObject({ size: encodeValue('x'.repeat(100_000)).length });
  });

  it('fails the call with its path when it cannot travel', async () => {
    await using harness = await WorkerHarness.start();
    const [finished] = await harness.run({ source: '() => ({ list: [1, new Promise(() => {})] })' });
    expect(finished?.outcome).toMatchObject({ kind: 'failed', error: { code: 'SERIALIZE_UNSUPPORTED' } });
    expect(JSON.stringify(finished?.outcome)).toContain('.list[1]');
  });

  it('comes with the processor time and memory that it took', async () => {
    await using harness = await WorkerHarness.start();
    const source = '() => { const end = performance.now() + 50; while (performance.now() < end); }';
    const [finished] = await harness.run({ source });
    expect(finished?.usage?.cpuUserMs).toBeGreaterThan(1);
    expect(finished?.usage?.maxRssBytes).toBeGreaterThan(10_000_000);
  });
});

describe('what a call throws', () => {
  it.each([
    ['new RangeError("too far")', { name: 'RangeError', message: 'too far' }],
    ['"text"', { name: 'thrown string', message: 'text' }],
    ['undefined', { name: 'thrown undefined', message: 'undefined' }],
    ['null', { name: 'thrown null', message: 'null' }],
    ['42', { name: 'thrown number', message: '42' }],
    ['{ toString() { throw 1; } }', { name: 'thrown object', message: '' }],
    ['Object.assign(new Error("odd"), { held: () => {} })', { name: 'Error', message: 'odd' }],
  ])('is its error: %s', async (thrown, expected) => {
    await using harness = await WorkerHarness.start();
    const [finished] = await harness.run({ source: `() => { throw ${thrown}; }` });
    expect(finished?.outcome).toMatchObject({ kind: 'error', ...expected });
  });

  it('keeps its cause and class', async () => {
    await using harness = await WorkerHarness.start();
    const source = '() => { throw new TypeError("outer", { cause: new RangeError("inner") }); }';
    const error = decodedError((await harness.run({ source }))[0]) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it.each([
    ['an unhandled rejection', '() => { Promise.reject(new Error("stray")); return new Promise(() => {}); }'],
    ['a throwing timer', '() => { setTimeout(() => { throw new Error("stray"); }, 1); return new Promise(() => {}); }'],
  ])('includes %s while it runs, and its process is replaced', async (_what, source) => {
    await using harness = await WorkerHarness.start();
    const [before] = await harness.values({ source: '() => process.pid' });
    const [finished] = await harness.run({ source });
    expect(finished?.outcome).toMatchObject({ kind: 'error', message: 'stray' });
    const [after] = await harness.values({ source: '() => process.pid' });
    expect(after).not.toBe(before);
  });

  it('is not blamed on the next call when a finished one left it behind', async () => {
    await using harness = await WorkerHarness.start();
    const source = `(item) => item === 0
      ? void setTimeout(() => { throw new Error("left behind"); }, 50)
      : new Promise((done) => setTimeout(() => done(item), 300))`;
    const [first, second] = await harness.run({ source, items: [0, 1] });
    expect(inlineValue(first)).toBe(undefined);
    expect(inlineValue(second)).toBe(1);
  });
});

describe('inputs', () => {
  it('are read from their stored part, in ranges', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    const items = Array.from({ length: 5000 }, (_, index) => ({ index }));
    expect(await harness.values({ source: '({ index }) => index', items, stored: true })).toEqual(
      items.map(({ index }) => index),
    );
  });

  it('are gathered from the results of other calls', async () => {
    await using harness = await WorkerHarness.start();
    await harness.storage.put('results/1', encodeValue({ b: 2 }));
    const results = [{ inline: encodeValue('a') }, { key: 'results/1', bytes: 0 }];
    const payloads = [true, false].map((single) =>
      Buffer.concat([
        Uint8Array.of(INPUT_GATHER),
        encodeGather({ single, results: single ? results.slice(0, 1) : results }),
      ]),
    );
    expect(await harness.values({ source: '(item) => item', payloads })).toEqual(['a', ['a', { b: 2 }]]);
  });

  it('that are damaged or missing fail their call alone', async () => {
    await using harness = await WorkerHarness.start();
    const missing = Buffer.concat([
      Uint8Array.of(INPUT_GATHER),
      encodeGather({ single: true, results: [{ key: 'no', bytes: 1 }] }),
    ]);
    const payloads = [Uint8Array.of(9), missing, Uint8Array.of()];
    const finished = await harness.run({ source: '(item) => item', payloads });
    expect(finished.map(codeOf)).toEqual(['DATA_CORRUPT', 'STORAGE_OBJECT_NOT_FOUND', 'DATA_CORRUPT']);
  });
});

describe('a job', () => {
  it('whose function is not in storage fails every call, and the next delivery looks again', async () => {
    await using harness = await WorkerHarness.start();
    const [first] = await harness.run({ source: '() => "found"', lost: true });
    expect(codeOf(first)).toBe('STORAGE_OBJECT_NOT_FOUND');
    expect(await harness.values({ source: '() => "found"' })).toEqual(['found']);
  });

  it.each(['artifact', 'environment'] as const)(
    'whose function has a damaged %s fails by name without running, and the worker goes on',
    async (damaged) => {
      await using harness = await WorkerHarness.start();
      for (let n = 0; n < 12; n += 1) {
        // Each its own code: what was imported once is not looked at again.
        const source = `() => { process.exit(${n}); }`;
        const damage = (bytes: Uint8Array, part: string): Uint8Array => {
          if (part !== damaged) return bytes;
          const at = Math.floor((n / 12) * bytes.length);
          return n % 3 === 0 ? bytes.slice(0, at) : bytes.map((byte, index) => (index === at ? byte ^ (1 + n) : byte));
        };
        expect(codeOf((await harness.run({ source, damage }))[0])).toMatch(/^DATA_(?:CORRUPT|VERSION)$/);
      }
      expect(await harness.values({ source: '() => "goes on"' })).toEqual(['goes on']);
    },
  );

  it('has its environment variables, and the next job does not', async () => {
    await using harness = await WorkerHarness.start();
    const source = '() => process.env.SPLITROCK_TEST_VARIABLE';
    expect(await harness.values({ source, run: { env: { SPLITROCK_TEST_VARIABLE: 'set' } } })).toEqual(['set']);
    expect(await harness.values({ source })).toEqual([undefined]);
  });

  it('whose calls need more slots than there are fails with the numbers', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    const [finished] = await harness.run({ source: '() => 1', run: { cpu: 3 } });
    expect(finished?.outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'BACKEND_CANNOT_RUN', details: { cpu: 3, workerProcesses: 2 } },
    });
  });

  it('can have calls that take two slots each, one at a time', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    const source = '() => new Promise((done) => setTimeout(() => done(process.pid), 20))';
    const finished = await harness.run({ source, items: [0, 1, 2], run: { cpu: 2 } });
    const spans = finished.map(({ startedAtMs, finishedAtMs }) => [startedAtMs, finishedAtMs] as const);
    for (const [start] of spans) expect(spans.filter(([from, to]) => start >= from && start < to)).toHaveLength(1);
  });
});

describe('a call’s context', () => {
  it('names the call', async () => {
    await using harness = await WorkerHarness.start();
    const source =
      '(_item, { executorId, jobId, jobName, callId, attempt }) => ({ executorId, jobId, jobName, callId, attempt })';
    expect(await harness.values({ source, items: [0, 1], attempt: 2 })).toEqual(
      [0, 1].map((callId) => ({
        executorId: 'abcdefghijkl',
        jobId: 'abcdefghijkl-1',
        jobName: 'test job',
        callId,
        attempt: 2,
      })),
    );
  });

  it('has the job’s storage', async () => {
    await using harness = await WorkerHarness.start();
    await harness.run({ source: '(_item, { storage }) => storage.put("mine", "text")' });
    expect(Buffer.from(await harness.storage.get('mine')).toString()).toBe('text');
  });

  it('tells executors inside the call where they are, without environment variables', async () => {
    await using harness = await WorkerHarness.start();
    const source = `() => {
      const ambient = globalThis[Symbol.for("splitrock.ambient")];
      return { ...ambient, inEnvironment: JSON.stringify(process.env).includes(ambient.plugins.storage.options.directory) };
    }`;
    const [ambient] = await harness.values({ source, run: { nestingDepth: 1 } });
    expect(ambient).toEqual({
      version: 1,
      workerId: 'w1',
      tenant: 'test',
      plugins: harness.plugins(),
      jobId: 'abcdefghijkl-1',
      nestingDepth: 2,
      inEnvironment: false,
    });
  });
});

const codeOf = (finished: CallFinished | undefined): string | undefined =>
  finished?.outcome.kind === 'failed' ? finished.outcome.error.code : undefined;
