import { describe, expect, it } from 'vitest';
import { WorkerHarness, inlineValue } from '../../test/worker-harness.ts';
import { isRunning } from '../../test/worker-program.ts';

const pidOf = '() => process.pid';

describe('a slot process that dies', () => {
  it.each([
    ['process.exit(7)', { kind: 'exit', exitCode: 7 }],
    ['process.exit(0)', { kind: 'exit', exitCode: 0 }],
    ['process.abort()', { kind: 'crash', signal: 'SIGABRT' }],
    ['process.kill(process.pid, "SIGKILL")', { kind: 'crash', signal: 'SIGKILL' }],
    ['process.kill(process.pid, "SIGSEGV")', { kind: 'crash', signal: 'SIGSEGV' }],
    ['process.kill(process.pid, "SIGTERM")', { kind: 'crash', signal: 'SIGTERM' }],
  ])('by %s loses its call with the reason, and siblings go on', async (death, reason) => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    const source = `(item) => { if (item === 1) ${death}; return new Promise((done) => setTimeout(() => done(item), 20)); }`;
    const finished = await harness.run({ source, items: [0, 1, 2, 3] });
    expect(finished[1]?.outcome).toMatchObject({ kind: 'lost', reason: { ...reason, workerId: 'w1' } });
    expect([finished[0], finished[2], finished[3]].map((finished) => inlineValue(finished))).toEqual([0, 2, 3]);
  });

  it('from outside, mid-call, loses just that call', async () => {
    await using harness = await WorkerHarness.start();
    const source = `(item) => item === 0 ? new Promise((done) => { console.log(process.pid); setTimeout(done, 60000); }) : item`;
    const job = await harness.submit({ source, items: [0, 1] });
    const line = await harness.publisher.event((event) => event.type === 'log');
    process.kill(Number(line.type === 'log' && line.text), 'SIGKILL');
    await harness.source.answered(2, job);
    const [first, second] = harness.publisher.finished(job);
    expect(first?.outcome).toMatchObject({ kind: 'lost', reason: { kind: 'crash', signal: 'SIGKILL' } });
    expect(inlineValue(second)).toBe(1);
  });

  it('does not take outcomes of calls with it that ended before in the same batch', async () => {
    await using harness = await WorkerHarness.start();
    const source = '(item) => { if (item === 3) process.kill(process.pid, "SIGKILL"); return item; }';
    const finished = await harness.run({ source, items: [0, 1, 2, 3, 4, 5], run: { chunkSize: 6 } });
    expect(finished.map(({ outcome }) => outcome.kind)).toEqual(['value', 'value', 'value', 'lost', 'value', 'value']);
    expect(harness.source.answers).toHaveLength(6);
  });

  it('takes child processes of its calls with it', async () => {
    await using harness = await WorkerHarness.start();
    const source = `() => new Promise(() => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      const child = spawn('sleep', ['600']);
      child.once('spawn', () => { console.log(child.pid); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50); });
    })`;
    await harness.run({ source });
    const child = Number(harness.publisher.output(0, 'stdout'));
    expect(child).toBeGreaterThan(1);
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  it('beside other calls runs those again, unpublished, when the culprit is known', async () => {
    await using harness = await WorkerHarness.start({ callsPerProcess: 3 });
    const source = `(item, { storage }) => new Promise((done) => setTimeout(() => {
      if (item === 1) process.exit(3);
      setTimeout(() => done(item), 200);
    }, 50))`;
    const finished = await harness.run({ source, items: [0, 1, 2] });
    expect(finished.map(({ outcome }) => outcome.kind)).toEqual(['value', 'lost', 'value']);
    expect(finished[1]?.outcome).toMatchObject({ reason: { kind: 'exit', exitCode: 3 } });
  });

  it('of a stray error of one of several calls ends that call alone', async () => {
    await using harness = await WorkerHarness.start({ callsPerProcess: 3 });
    const source = `(item) => new Promise((done) => setTimeout(() => {
      if (item === 1) throw new Error('stray');
      setTimeout(() => done(item), 200);
    }, 50))`;
    const finished = await harness.run({ source, items: [0, 1, 2] });
    expect(finished.map(({ outcome }) => outcome.kind)).toEqual(['value', 'error', 'value']);
  });
});

describe('memory', () => {
  it('that a job limits is the limit of the heap', async () => {
    await using harness = await WorkerHarness.start();
    const source = '() => process.getBuiltinModule("node:v8").getHeapStatistics().heap_size_limit / 2 ** 20';
    const [limit] = (await harness.values({ source, run: { memoryMiB: 256 } })) as number[];
    expect(limit).toBeGreaterThan(200);
    expect(limit).toBeLessThan(400);
    const [free] = (await harness.values({ source })) as number[];
    expect(free).toBeGreaterThan(500);
  });

  it('of the heap that is full ends the call as out of memory', async () => {
    await using harness = await WorkerHarness.start();
    // Small steps, so that V8 meets its own limit before the watch on the process's size does.
    const source = '() => { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); }';
    const [finished] = await harness.run({ source, run: { memoryMiB: 200 } });
    expect(finished?.outcome).toMatchObject({ kind: 'lost', reason: { kind: 'out-of-memory' } });
  });

  it('outside the heap counts too', async () => {
    await using harness = await WorkerHarness.start();
    const source = `async () => {
      const all = [];
      for (;;) { all.push(Buffer.alloc(8 * 2 ** 20, 1)); await new Promise((done) => setTimeout(done, 10)); }
    }`;
    const [finished] = await harness.run({ source, run: { memoryMiB: 256 } });
    expect(finished?.outcome).toMatchObject({ kind: 'lost', reason: { kind: 'out-of-memory', signal: 'SIGKILL' } });
    expect(JSON.stringify(finished?.outcome)).toContain('memoryMiB=256');
  });
});

describe('stopping', () => {
  it('a call at its timeout takes no more than its abort signal if it heeds it', async () => {
    await using harness = await WorkerHarness.start();
    const source = `(_item, { signal }) => new Promise((done, fail) => {
      signal.addEventListener('abort', () => { console.log(signal.reason.code, signal.reason.name); fail(signal.reason); });
    })`;
    const [finished] = await harness.run({ source, run: { timeoutMs: 2000, abortGraceMs: 10_000 } });
    expect(finished?.outcome).toEqual({ kind: 'timeout', timeoutMs: 2000, by: 'abort' });
    expect(harness.publisher.output(0, 'stdout')).toBe('CALL_TIMEOUT CallTimeoutError\n');
  });

  it('a call whose timeout passes before its function is there does not begin it', async () => {
    await using harness = await WorkerHarness.start();
    // Loading the function takes longer than this.
    const [finished] = await harness.run({
      source: '() => console.log("begun")',
      run: { timeoutMs: 0.001, abortGraceMs: 10_000 },
    });
    expect(finished?.outcome).toEqual({ kind: 'timeout', timeoutMs: 0.001, by: 'abort' });
    expect(harness.publisher.output(0, 'stdout')).toBe('');
  });

  it('a busy loop takes SIGTERM, and its sibling does not notice', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    await harness.values({ source: pidOf, items: [0, 1] });
    const stuck = await harness.submit({
      source: '() => { for (;;); }',
      run: { timeoutMs: 1500, killGraceMs: 10_000 },
    });
    const sibling = await harness.submit({
      source: '() => new Promise((done) => setTimeout(() => done("fine"), 2500))',
    });
    await harness.source.answered(1, stuck);
    await harness.source.answered(1, sibling);
    expect(harness.publisher.finished(stuck)[0]?.outcome).toEqual({ kind: 'timeout', timeoutMs: 1500, by: 'SIGTERM' });
    expect(inlineValue(harness.publisher.finished(sibling)[0])).toBe('fine');
  });

  it('a process that ignores SIGTERM takes SIGKILL', async () => {
    await using harness = await WorkerHarness.start();
    const source = '() => { process.on("SIGTERM", () => {}); return new Promise(() => setInterval(() => {}, 1000)); }';
    const [finished] = await harness.run({ source, run: { timeoutMs: 1500 } });
    expect(finished?.outcome).toEqual({ kind: 'timeout', timeoutMs: 1500, by: 'SIGKILL' });
  });

  it('one of several calls in a process runs the others again without a status', async () => {
    await using harness = await WorkerHarness.start({ callsPerProcess: 3 });
    const source = '(item) => new Promise((done) => { if (item !== 1) setTimeout(() => done(item), 250); })';
    const job = await harness.submit({ source, items: [0, 1, 2] });
    await harness.publisher.event((event) => event.type === 'started');
    harness.source.receiver?.cancel({ job, calls: [{ from: 1, to: 2 }] });
    await harness.source.answered(3, job);
    const finished = harness.publisher.finished(job).toSorted((a, b) => a.callId - b.callId);
    expect(finished.map(({ outcome }) => outcome.kind)).toEqual(['value', 'cancelled', 'value']);
  });

  it('cancelled calls is final: waiting ones get no status, running ones are told why', async () => {
    await using harness = await WorkerHarness.start();
    const source = `(_item, { signal }) => new Promise((done) => {
      console.log('runs');
      signal.addEventListener('abort', () => { console.log(signal.reason.code); done(); });
    })`;
    const job = await harness.submit({ source, items: [0, 1] });
    await harness.publisher.event((event) => event.type === 'log');
    harness.source.receiver?.cancel({ job });
    await harness.source.answered(2, job);
    expect(harness.publisher.finished(job).map(({ callId, outcome }) => [callId, outcome.kind])).toEqual([
      [0, 'cancelled'],
    ]);
    expect(harness.publisher.output(0, 'stdout')).toBe('runs\nCALL_CANCELLED\n');
    expect(harness.source.answers.map(({ answer }) => answer)).toEqual(['done', 'done']);
  });
});

describe('a drain', () => {
  it('gives back what waits, lets running calls end, and frees everything', async () => {
    await using harness = await WorkerHarness.start();
    const source = '(item) => new Promise((done) => { console.log("runs"); setTimeout(() => done(item), 300); })';
    await harness.submit({ source, items: [0, 1] });
    await harness.publisher.event((event) => event.type === 'log');
    await harness.worker.drain({ graceMs: 10_000, reason: 'test' });
    expect(harness.source.answers).toMatchObject([
      { callId: 1, answer: 'given-back' },
      { callId: 0, answer: 'done' },
    ]);
    expect(harness.source.answers[0]?.reason).toBe(undefined);
    expect([harness.source.stopped, harness.publisher.closed]).toEqual([true, true]);
  });

  it('whose grace is over gives running calls back as lost', async () => {
    await using harness = await WorkerHarness.start();
    await harness.submit({ source: '() => { console.log("runs"); for (;;); }' });
    await harness.publisher.event((event) => event.type === 'log');
    await harness.worker.drain({ graceMs: 50, reason: 'test' });
    expect(harness.source.answers).toMatchObject([
      { callId: 0, answer: 'given-back', reason: { kind: 'worker-lost', workerId: 'w1' } },
    ]);
    expect(harness.publisher.finished()).toEqual([]);
  });

  it('comes from the source as well', async () => {
    await using harness = await WorkerHarness.start();
    harness.source.receiver?.shutdown({ graceMs: 1000, reason: 'peer is gone' });
    await harness.worker.finished;
    expect(harness.source.stopped).toBe(true);
  });
});

describe('status', () => {
  it('that cannot be published gives its calls back', async () => {
    await using harness = await WorkerHarness.start();
    harness.publisher.gate = () => Promise.reject(new Error('broker is away'));
    await harness.submit({ source: '() => 1' });
    await harness.source.answered(1);
    expect(harness.source.answers).toMatchObject([{ answer: 'given-back', reason: { kind: 'worker-lost' } }]);
    expect(harness.source.answers[0]?.reason?.message).toContain('broker is away');
  });

  it('is out before the call is answered, in one publish at a time', async () => {
    await using harness = await WorkerHarness.start({ workerProcesses: 2 });
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    harness.publisher.gate = () => gate;
    const job = await harness.submit({ source: '(item) => item', items: [0, 1, 2, 3, 4, 5, 6, 7] });
    await harness.publisher.event(() => true);
    expect(harness.source.answers).toEqual([]);
    open();
    await harness.source.answered(8, job);
    expect(harness.publisher.maxInFlight).toBe(1);
  });

  it('of a start comes for long calls and not for short ones', async () => {
    await using harness = await WorkerHarness.start();
    const job = { source: '(item) => new Promise((done) => setTimeout(done, item))', items: [1, 1, 1, 500] };
    const finished = await harness.run(job);
    const told = harness.publisher.events.filter(({ type }) => type === 'started').map(({ callId }) => callId);
    expect(told).toContain(3);
    // On a loaded machine the word of a short call's end may come late, but hardly of all of them.
    expect(told.length).toBeLessThan(finished.length);
  });
});
