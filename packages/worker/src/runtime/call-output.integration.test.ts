import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallLog } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { WorkerHarness } from '../../test/worker-harness.ts';

const logs = (harness: WorkerHarness, callId: number): CallLog[] =>
  harness.publisher.events.filter((event) => event.type === 'log' && event.callId === callId) as CallLog[];

describe('output of calls', () => {
  it('is told call by call, in both streams, with child processes’ own', async () => {
    await using harness = await WorkerHarness.start();
    const source = `(item) => {
      console.log('out ' + item);
      console.error('err ' + item);
      process.getBuiltinModule('node:child_process').execSync('echo child ' + item, { stdio: 'inherit' });
    }`;
    await harness.run({ source, items: [0, 1, 2], run: { chunkSize: 3 } });
    for (const callId of [0, 1, 2]) {
      expect(harness.publisher.output(callId, 'stdout')).toBe(`out ${callId}\nchild ${callId}\n`);
      expect(harness.publisher.output(callId, 'stderr')).toBe(`err ${callId}\n`);
    }
  });

  it('comes while the call runs', async () => {
    await using harness = await WorkerHarness.start();
    const job = await harness.submit({ source: '() => { console.log("begun"); for (;;); }' });
    const event = await harness.publisher.event((each) => each.type === 'log');
    expect(event).toMatchObject({ callId: 0, attempt: 1, workerId: 'w1', stream: 'stdout', text: 'begun\n' });
    expect(harness.publisher.finished(job)).toEqual([]);
  });

  it('comes before the call’s end, also when its process is killed', async () => {
    await using harness = await WorkerHarness.start();
    await harness.run({ source: '() => { console.log("last words"); process.kill(process.pid, "SIGKILL"); }' });
    expect(harness.publisher.events.map(({ type }) => type).slice(-2)).toEqual(['log', 'finished']);
    expect(harness.publisher.output(0, 'stdout')).toBe('last words\n');
  });

  it('beyond the limit is left out and counted, and does not fill the disk', async () => {
    await using harness = await WorkerHarness.start();
    const source = `() => {
      const line = 'x'.repeat(1023) + '\\n';
      for (let written = 0; written < 10 * 1024; written += 1) process.stdout.write(line);
    }`;
    await harness.run({ source, run: { maxLogBytes: 100_000 } });
    expect(harness.publisher.output(0, 'stdout')).toHaveLength(100_000);
    const notice = logs(harness, 0).at(-1);
    expect(notice).toMatchObject({ stream: 'log', text: '', extra: { truncatedBytes: 10 * 1024 * 1024 - 100_000 } });
    expect(outputBytes()).toBe(0);
  });

  it('of characters cut between two reads is whole', async () => {
    await using harness = await WorkerHarness.start();
    const source = `() => new Promise((done) => {
      const fs = process.getBuiltinModule('node:fs');
      const bytes = Buffer.from('€');
      fs.writeSync(1, bytes.subarray(0, 1));
      setTimeout(() => { fs.writeSync(1, bytes.subarray(1)); done(); }, 300);
    })`;
    await harness.run({ source });
    expect(harness.publisher.output(0, 'stdout')).toBe('€');
  });

  it('that a finished call still writes has no call', async () => {
    await using harness = await WorkerHarness.start();
    await harness.run({ source: '() => { setTimeout(() => console.log("late"), 20); }' });
    await harness.run({ source: '() => new Promise((done) => setTimeout(done, 200))' });
    const source = '() => console.log("own")';
    await harness.run({ source });
    const stdout = harness.publisher.events.filter((event) => event.type === 'log');
    expect(stdout.map(({ text }) => text).join('')).toContain('late\n');
    expect(stdout.find(({ text }) => text === 'own\n')?.callId).toBe(0);
  });
});

describe('the context’s log', () => {
  it('carries level and fields', async () => {
    await using harness = await WorkerHarness.start();
    await harness.run({
      source: '(_item, { log }) => { log.info("reading", { file: "a", size: 3n }); log.warn("slow"); }',
    });
    expect(logs(harness, 0)).toMatchObject([
      { stream: 'log', text: 'reading', extra: { level: 'info', fields: { file: 'a', size: '3n' } } },
      { stream: 'log', text: 'slow', extra: { level: 'warn' } },
    ]);
  });

  it('is cut at the limit like output', async () => {
    await using harness = await WorkerHarness.start();
    const source = '(_item, { log }) => { for (let line = 0; line < 100; line += 1) log.info("0123456789"); }';
    await harness.run({ source, run: { maxLogBytes: 95 } });
    expect(harness.publisher.output(0, 'log')).toHaveLength(95);
    expect(logs(harness, 0).at(-1)?.extra).toEqual({ truncatedBytes: 905 });
  });

  it('takes fields that are no JSON', async () => {
    await using harness = await WorkerHarness.start();
    await harness.run({ source: '(_item, { log }) => { const me = {}; me.me = me; log.info("odd", me); }' });
    expect(JSON.stringify(logs(harness, 0)[0]?.extra)).toContain('Circular');
  });
});

describe.each([
  ['a shared process', { callsPerProcess: 4 }],
  ['a thread', { kind: 'thread', callsPerProcess: 4 }],
] as const)('output of calls in %s', (_where, slots) => {
  it('is attributed to the call that wrote it, through promises and timers', async () => {
    await using harness = await WorkerHarness.start(slots);
    const source = `(item) => new Promise((done) => {
      console.log('begin ' + item);
      setTimeout(async () => { await null; console.error('end ' + item); done(); }, 10);
    })`;
    await harness.run({ source, items: [0, 1, 2, 3] });
    for (const callId of [0, 1, 2, 3]) {
      expect(harness.publisher.output(callId, 'stdout')).toBe(`begin ${callId}\n`);
      expect(harness.publisher.output(callId, 'stderr')).toBe(`end ${callId}\n`);
    }
  });

  it('is bounded for each call', async () => {
    await using harness = await WorkerHarness.start(slots);
    const source = '() => { for (let line = 0; line < 100; line += 1) console.log("012345678"); }';
    await harness.run({ source, items: [0, 1], run: { maxLogBytes: 500 } });
    for (const callId of [0, 1]) {
      expect(harness.publisher.output(callId, 'stdout')).toHaveLength(500);
      expect(logs(harness, callId).at(-1)?.extra).toEqual({ truncatedBytes: 500 });
    }
  });
});

it('output that no call of a shared process can own has call id -1', async () => {
  await using harness = await WorkerHarness.start({ callsPerProcess: 2 });
  const source = `() => new Promise((done) => {
    process.getBuiltinModule('node:child_process').spawnSync('sh', ['-c', 'echo from a child'], { stdio: 'inherit' });
    setTimeout(done, 300);
  })`;
  await harness.run({ source });
  expect(harness.publisher.output(-1, 'stdout')).toBe('from a child\n');
});

/** What this process's workers keep of output on disk. */
function outputBytes(): number {
  const { statSync } = process.getBuiltinModule('node:fs');
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(`splitrock-worker-${process.pid}-`));
  const files = folders.flatMap((folder) =>
    readdirSync(join(tmpdir(), folder, 'output')).map((name) => join(tmpdir(), folder, 'output', name)),
  );
  return files.reduce((bytes, file) => bytes + statSync(file).size, 0);
}
