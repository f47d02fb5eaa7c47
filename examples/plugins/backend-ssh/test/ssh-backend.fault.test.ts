/** Connections are cut, workers are killed, hosts and clients go away: every call still ends, and nothing stays. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ExecutorFixture } from '@splitrock/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { leftovers, makeSshHarness, processes, type SshHarness } from './ssh-harness.ts';

const DEADLINE_MS = 30_000;
const NUMBERS = Array.from({ length: 300 }, (_, index) => index);

let harness: SshHarness;
let executor: ExecutorFixture | undefined;

beforeEach(async () => {
  harness = await makeSshHarness();
});
afterEach(async () => {
  // It also checks that nothing was left: no process, no file, no timer.
  await executor?.close();
  executor = undefined;
  await harness.close();
});

async function wait(this: void, milliseconds: unknown): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds as number));
  return 'waited';
}

const lastStarted = (of: ExecutorFixture): string =>
  of.workers.findLast(({ change }) => change === 'started')?.workerId as string;

describe('ssh backend', () => {
  it('spreads a job over its hosts', async () => {
    executor = await ExecutorFixture.start(harness, DEADLINE_MS);
    await executor.until(() => executor?.backend.capacity().current === 2, 'both hosts are ready');
    const job = await executor.job({ fn: wait, inputs: [300, 300, 300, 300] });
    await job.submit();
    await job.ended();
    const workers = new Set([0, 1, 2, 3].map((callId) => job.finished(callId)[0]?.workerId));
    expect(workers.size).toBe(2);
  });

  it.each(['server', 'launcher'] as const)(
    'goes on when the %s process of a connection is killed in the middle of a job',
    async (which) => {
      executor = await ExecutorFixture.start(harness, DEADLINE_MS);
      const job = await executor.job({ fn: wait, inputs: NUMBERS.map(() => 10) });
      await job.submit();
      await job.until(() => job.endedCount > 50, '50 calls ended');
      const workerId = lastStarted(executor);
      process.kill((await harness.sessionOf(workerId))[which], 'SIGKILL');
      await job.ended();
      const lost = job.lostCalls();
      for (const callId of lost) {
        expect(job.lost(callId)?.reason).toMatchObject({ workerId, message: expect.stringContaining('127.0.0.') });
        await job.submit({ calls: { from: callId, to: callId + 1 }, attempt: 2 });
      }
      await job.ended();
      const values = NUMBERS.map((callId) => job.value(callId, lost.includes(callId) ? 2 : 1));
      expect(await Promise.all(values)).toEqual(NUMBERS.map(() => 'waited'));
      expect(executor.workers).toContainEqual(expect.objectContaining({ workerId, change: 'lost' }));
    },
  );

  it('tells a killed worker from a lost connection', async () => {
    executor = await ExecutorFixture.start(harness, DEADLINE_MS);
    const job = await executor.job({ fn: wait, inputs: [600_000, 600_000] });
    await job.submit();
    await job.until(() => job.started.size === 2, 'both calls began');
    const { workerId } = executor.workers[0] as { workerId: string };
    await harness.killWorker?.(workerId);
    await executor.until(() => job.lostCalls().some((callId) => job.lost(callId) !== undefined), 'a call was lost');
    const reason = [0, 1].map((callId) => job.lost(callId)?.reason).find((each) => each !== undefined);
    expect(reason).toMatchObject({ kind: 'crash', signal: 'SIGKILL', workerId });
    await executor.backend.cancel(job.job);
  });

  it('keeps what is secret out of arguments and environments', async () => {
    // The storage's options stand for its credentials: they travel the same way.
    const directory = join(harness.directory, 'storage-with-secret-0f8fad5b');
    const storage = { ...harness.storage, options: { directory } };
    executor = await ExecutorFixture.start({ ...harness, storage }, DEADLINE_MS);
    const job = await executor.job({ fn: wait, inputs: [600_000, 600_000] });
    await job.submit();
    await job.until(() => job.started.size === 2, 'both calls began');
    const all = await processes();
    const { executorId } = executor;
    expect(all.filter(({ command }) => command.includes(executorId)).length).toBeGreaterThanOrEqual(4);
    expect(all.filter((each) => `${each.command}${each.environment}`.includes('secret-0f8fad5b'))).toEqual([]);
    await executor.backend.cancel(job.job);
  });

  it('leaves nothing on the hosts when its client is killed', async () => {
    const file = join(harness.directory, 'client.json');
    await writeFile(file, JSON.stringify({ backend: harness.options, storage: harness.storage.options }));
    const program = fileURLToPath(new URL('client-program.mjs', import.meta.url));
    const client = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { value } = (await createInterface({ input: client.stdout })[Symbol.asyncIterator]().next()) as {
      value: string;
    };
    expect(await leftovers(value)).not.toEqual([]);
    client.kill('SIGKILL');
    await once(client, 'exit');
    await vi.waitFor(async () => expect(await leftovers(value)).toEqual([]), { timeout: DEADLINE_MS, interval: 100 });
  });

  it('brings the runtime to a host once, and again when it is damaged there', async () => {
    const { directory } = harness.options as { directory: string };
    const run = async (): Promise<void> => {
      const one = await ExecutorFixture.start(harness, DEADLINE_MS);
      const job = await one.job({ fn: wait, inputs: [1] });
      await job.submit();
      await job.ended();
      expect(await job.value(0)).toBe('waited');
      await one.close();
    };
    await run();
    const [runtime, ...others] = await readdir(directory);
    expect(others).toEqual([]);
    await writeFile(join(directory, runtime as string, 'lib', 'main.js'), 'process.exit(1);');
    await run();
    expect(await readdir(directory)).toEqual([runtime]);
  });
});
