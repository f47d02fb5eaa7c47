/** A job outlives its client: others watch it, and one that was killed is taken over. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { isAlive, optionsIn, rejection, until, useFolder } from './support.ts';

const folder = useFolder();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Client {
  readonly child: ChildProcess;
  readonly jobId: string;
  /** Lines printed so far. */
  readonly lines: string[];
}

async function startClient(kind: 'plain' | 'chained' | 'endless' | 'lazy'): Promise<Client> {
  const program = fileURLToPath(new URL('./fixtures/long-job.ts', import.meta.url));
  const options = JSON.stringify({ ...optionsIn(folder), cleanOnDispose: false });
  const child = spawn(process.execPath, ['--conditions=@splitrock/source', program, options, kind], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => lines.push(line));
  await until('the client has started its job', () => lines.length > 0);
  return { child, jobId: (lines[0] as string).slice('job '.length), lines };
}

async function kill(client: Client): Promise<void> {
  const ended = once(client.child, 'exit');
  client.child.kill('SIGKILL');
  await ended;
}

const squares = Array.from({ length: 300 }, (_, n) => n * n);

describe('attach', { timeout: 60_000 }, () => {
  it('completes a job whose client was killed in the middle', async () => {
    const client = await startClient('plain');
    await until('some calls have ended', () => client.lines.length > 30);
    await kill(client);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId);
    let resumedWith = 0;
    job.on('call:finish:success', () => (resumedWith += 1));
    expect(await job).toEqual(squares);
    expect(job.progress).toMatchObject({ settled: 300, total: 300, failed: 0 });
    expect(resumedWith).toBeGreaterThan(0);
  });

  it('gives the results of a job that had ended, without running anything', async () => {
    const client = await startClient('plain');
    await until('all calls have ended', () => client.lines.includes('all done'), 30_000);
    await kill(client);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId);
    expect(await job).toEqual(squares);
    expect(new Set(job.records().map(({ workerId }) => workerId)).size).toBe(1);
    expect(job.progress.retries).toBe(0);
  });

  it('watches a job whose client is alive, and runs nothing of it', async () => {
    const client = await startClient('plain');
    await until('some calls have ended', () => client.lines.length > 10);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId);
    expect(await job).toEqual(squares);
    const workers = new Set(job.records().map(({ workerId }) => workerId));
    expect(workers.size).toBe(1);
    await kill(client);
  });

  it('watches a job whose client goes on to read inputs, to its end', async () => {
    const client = await startClient('lazy');
    await until('the first call has ended', () => client.lines.length > 1);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId);
    expect(await job).toEqual(squares.slice(0, 40));
    expect(new Set(job.records().map(({ workerId }) => workerId)).size).toBe(1);
    await kill(client);
  });

  it.each(['plain', 'chained'] as const)('takes a watched job over when its client is killed: %s', async (kind) => {
    const client = await startClient(kind);
    await until('some calls have ended', () => client.lines.length > 5);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId);
    await until('it is attached', () => job.progress.settled > 0);
    await kill(client);
    expect(await job).toEqual(kind === 'chained' ? squares.map((n) => n + 1) : squares);
    expect(new Set(job.records().map(({ workerId }) => workerId)).size).toBe(2);
  });

  it('says what is missing when the client of a watched job is killed while it reads inputs', async () => {
    const client = await startClient('endless');
    await until('a call has ended', () => client.lines.length > 1);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId);
    await until('it is attached', () => job.progress.settled > 0);
    await kill(client);
    expect(await rejection(job)).toMatchObject({ code: 'JOB_INCOMPLETE' });
  });

  it('with resume: false only watches, whatever becomes of the client', async () => {
    const client = await startClient('plain');
    await until('some calls have ended', () => client.lines.length > 5);
    await kill(client);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId, { resume: false });
    const { done, notDone } = await executor.wait(job, { timeoutMs: 3_000 });
    expect(done.length).toBeGreaterThan(0);
    expect(notDone.length).toBeGreaterThan(0);
    expect(new Set(job.records().map(({ workerId }) => workerId)).size).toBe(1);
  });

  it('completes a chain, with the job that it waits for', async () => {
    const client = await startClient('chained');
    await until('some calls have ended', () => client.lines.length > 10);
    await kill(client);
    await using executor = new FunctionExecutor(optionsIn(folder));
    expect(await executor.attach<number>(client.jobId)).toEqual(squares.map((n) => n + 1));
  });

  it('says what is missing when the client was killed while it still read inputs', async () => {
    const client = await startClient('endless');
    await until(
      'the calls that were read have ended',
      () => client.lines.filter((line) => line.startsWith('done')).length === 20,
    );
    await kill(client);
    await using executor = new FunctionExecutor(optionsIn(folder));
    const job = executor.attach<number>(client.jobId);
    const error = await rejection(job);
    expect(error).toMatchObject({ code: 'JOB_INCOMPLETE', message: expect.stringContaining('from call 20 on') });
    expect((await job.settled()).map((outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual(
      squares.slice(0, 20),
    );
  });
});

describe('a client that is killed', () => {
  it('leaves no worker behind', async () => {
    const client = await startClient('plain');
    await until('some calls have ended', () => client.lines.length > 5);
    const { stdout } = spawn('ps', ['-eo', 'pid,ppid'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let table = '';
    for await (const chunk of stdout) table += String(chunk);
    const rows = table
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
    const below = (pid: number): number[] =>
      rows.filter(([, parent]) => parent === pid).flatMap(([child]) => [child, ...below(child)]);
    const tree = below(client.child.pid as number);
    expect(tree.length).toBeGreaterThanOrEqual(3);
    await kill(client);
    await until('the worker and its slots are gone', () => tree.every((pid) => !isAlive(pid)));
  });
});
