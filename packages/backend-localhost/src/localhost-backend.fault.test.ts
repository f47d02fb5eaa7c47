/** What only this backend promises: how its processes start, rest, and end. Linux tells, through /proc. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ExecutorFixture } from '@splitrock/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeLocalhostHarness, pidOf, processesMarked, type LocalhostHarness } from '../test/localhost-harness.ts';

const DEADLINE_MS = 30_000;
const poll = { timeout: DEADLINE_MS, interval: 20 };

/** A module that is never done loading, though the process stays alive. */
const NEVER_READY = `--import=data:text/javascript,setInterval(()=>{},1e6);await%20new%20Promise(()=>{})`;

let harness: LocalhostHarness;
let executor: ExecutorFixture;

async function startExecutor(options: Readonly<Record<string, unknown>>): Promise<void> {
  harness = await makeLocalhostHarness({ workerProcesses: 2, ...options });
  executor = await ExecutorFixture.start(harness, DEADLINE_MS);
}

async function double(item: number, attempt = 1): Promise<unknown> {
  const job = await executor.job({ fn: (value: number) => value * 2, inputs: [item] });
  await job.submit({ attempt });
  await job.ended();
  await job.close();
  return job.value(0, attempt);
}

const workerPid = (): number => pidOf(executor.workers.findLast(({ change }) => change === 'started')?.workerId ?? '');

describe('a worker of the localhost backend', { timeout: 4 * DEADLINE_MS }, () => {
  afterEach(async () => {
    await executor.close();
    await harness.close();
  });

  it('gets no option of a plugin in its arguments or its environment', async () => {
    await startExecutor({});
    await double(1);
    // The folder of the storage stands for a credential: it is in the options, and nowhere else.
    const { directory } = harness.storage.options as { directory: string };
    for (const pid of await harness.processes()) {
      const seen = [await readFile(`/proc/${pid}/cmdline`, 'utf8'), await readFile(`/proc/${pid}/environ`, 'utf8')];
      expect(seen.join('\0')).not.toContain(directory);
    }
    expect((await harness.processes()).length).toBe(3);
  });

  it('uses no processor time while there is nothing to do, nor does its backend keep a timer', async () => {
    await startExecutor({});
    await double(1);
    const pids = await harness.processes();
    await expect.poll(() => ticksOfASecond(pids), poll).toEqual(pids.map(() => 0));
    expect(executor.clock.pendingTimers).toBe(0);
  });

  it('is started again when it died while it was idle', async () => {
    await startExecutor({});
    await double(1);
    const first = workerPid();
    process.kill(first, 'SIGKILL');
    await executor.until(() => executor.workers.some(({ change }) => change === 'lost'), 'the loss was told');
    expect(executor.workers.at(-1)?.reason).toMatchObject({ kind: 'crash', signal: 'SIGKILL' });
    expect(executor.backend.capacity()).toEqual({ current: 0, max: 2 });
    expect(await double(2)).toBe(4);
    expect(workerPid()).not.toBe(first);
    expect(executor.diagnoses).toEqual([]);
  });

  it('that drains by itself gives its calls back, and they run in the next one', async () => {
    await startExecutor({});
    const pause = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(ms), ms));
    const job = await executor.job({ fn: pause, inputs: Array.from({ length: 100 }, () => 20) });
    await job.submit();
    await job.until(() => job.endedCount > 5, 'some calls ended');
    process.kill(workerPid(), 'SIGTERM');
    await job.ended();
    expect(job.lostCalls()).toEqual([]);
    expect(executor.workers.filter(({ change }) => change === 'started').length).toBe(2);
  });

  it('that is killed loses what it had handed to slots, and nothing of what waited', async () => {
    await startExecutor({});
    const pause = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(ms), ms));
    const job = await executor.job({ fn: pause, inputs: Array.from({ length: 200 }, () => 30) });
    await job.submit();
    await job.until(() => job.endedCount >= 10, 'some calls ended');
    process.kill(workerPid(), 'SIGKILL');
    await job.ended();
    const lost = job.lostCalls();
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(40);
    for (const callId of lost) expect(job.lost(callId)?.reason).toMatchObject({ kind: 'crash', signal: 'SIGKILL' });
  });

  it('that a call kills again and again takes only that call with it', async () => {
    await startExecutor({});
    const poison = await executor.job({ fn: () => process.kill(process.ppid, 'SIGKILL'), inputs: [0] });
    const others = await executor.job({
      fn: (item: number) => item + 1,
      inputs: Array.from({ length: 50 }, (_, n) => n),
    });
    for (const attempt of [1, 2, 3]) {
      await poison.submit({ attempt });
      await poison.ended();
      expect(poison.lost(0, attempt)?.reason).toMatchObject({ kind: 'crash', signal: 'SIGKILL' });
    }
    await others.submit();
    await others.ended();
    expect(await others.values()).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(executor.diagnoses).toEqual([]);
  });

  it('that is still starting is not waited for when the executor stops', async () => {
    await startExecutor({ nodeOptions: [NEVER_READY] });
    await executor.backend.stop({ graceMs: 60_000 });
    expect(await harness.processes()).toEqual([]);
    expect(executor.workers).toEqual([]);
  });

  it.each([
    { name: 'Node refuses its flags', options: { nodeOptions: ['--no-such-flag'] }, stderr: 'bad option' },
    { name: 'it never gets ready', options: { nodeOptions: [NEVER_READY], startTimeoutMs: 1_000 }, stderr: '' },
  ])('that cannot start because $name ends the wait with a diagnosis', async ({ options, stderr }) => {
    await startExecutor(options);
    const job = await executor.job({ fn: (item: number) => item, inputs: [1, 2, 3] });
    await job.submit();
    await job.ended();
    expect(job.lost(2)?.reason).toMatchObject({ kind: 'start-failed' });
    const [diagnosis] = executor.diagnoses;
    expect(diagnosis).toMatchObject({ severity: 'error', code: 'WORKER_START_FAILED' });
    expect(diagnosis?.details?.['stderr']).toContain(stderr);
    expect(diagnosis?.message).toMatch(/tried 3 times: worker process \d+ (exited with code 9|did not get ready)/);
  });

  it('that starts after all clears the diagnosis', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'splitrock-start-'));
    const gate = join(folder, 'gate');
    const open = `if (!require('node:fs').existsSync(${JSON.stringify(gate)})) process.exit(7);`;
    await writeFile(join(folder, 'preload.cjs'), open);
    await startExecutor({ nodeOptions: [`--require=${join(folder, 'preload.cjs')}`] });
    const refused = await executor.job({ fn: (item: number) => item, inputs: [1] });
    await refused.submit();
    await refused.ended();
    expect(refused.lost(0)?.reason).toMatchObject({ kind: 'start-failed', exitCode: 7 });
    await writeFile(gate, '');
    expect(await double(21, 2)).toBe(42);
    expect(executor.diagnoses.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      'error WORKER_START_FAILED',
      'info WORKER_START_FAILED',
    ]);
    await rm(folder, { recursive: true });
  });
});

/** Processor ticks that each process uses in a second. */
async function ticksOfASecond(pids: readonly number[]): Promise<readonly number[]> {
  const before = await Promise.all(pids.map(processorTicks));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const after = await Promise.all(pids.map(processorTicks));
  return after.map((ticks, index) => ticks - (before[index] as number));
}

async function processorTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

describe('a client of the localhost backend', { timeout: 4 * DEADLINE_MS }, () => {
  let client: ChildProcess;
  let directory: string;
  let mark: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'splitrock-client-'));
    mark = `SPLITROCK_TEST_CLIENT=${randomUUID()}`;
  });

  afterEach(async () => {
    client.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  async function startClient(mode: 'busy' | 'idle' | 'stop' | 'stop-at-once'): Promise<AsyncIterator<string>> {
    const script = fileURLToPath(new URL('../test/client-program.ts', import.meta.url));
    const [name, value] = mark.split('=') as [string, string];
    client = spawn(process.execPath, [script, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, [name]: value, TMPDIR: directory },
    });
    const lines = createInterface(client.stdout as Readable)[Symbol.asyncIterator]();
    expect(await lines.next()).toEqual({ done: false, value: `ready ${mode}` });
    return lines;
  }

  it('takes its workers with it when it is killed, even in the middle of an endless loop', async () => {
    await startClient('busy');
    expect((await processesMarked(mark)).length).toBe(4);
    client.kill('SIGKILL');
    await expect.poll(() => processesMarked(mark), poll).toEqual([]);
  });

  it('ends by itself when nothing is left to do, and takes its idle workers with it', async () => {
    await startClient('idle');
    const [code] = (await once(client, 'exit')) as [number];
    expect(code).toBe(0);
    await expect.poll(() => processesMarked(mark), poll).toEqual([]);
  });

  it.each(['stop', 'stop-at-once'] as const)('lives until its backend has stopped: %s', async (mode) => {
    const lines = await startClient(mode);
    expect(await lines.next()).toEqual({ done: false, value: 'stopped' });
    const [code] = client.exitCode === null ? ((await once(client, 'exit')) as [number]) : [client.exitCode];
    expect(code).toBe(0);
    await expect.poll(() => processesMarked(mark), poll).toEqual([]);
  });
});
