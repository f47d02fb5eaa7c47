/** What jobs leave: nothing secret, nothing that runs on, and after `clean` nothing at all. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { optionsIn, rejection, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

describe('what jobs store', () => {
  it('has no option of a plugin in it: credentials are nowhere in descriptors, status, inputs or results', async () => {
    const directory = join(folder.path, 'secret-5f2c9e');
    await using other = new FunctionExecutor({
      ...optionsIn(folder),
      storages: { local: { directory } },
      cleanOnDispose: false,
    });
    const job = other.map(
      (n: number, { log }) => {
        console.log('printed');
        log.info('noted');
        if (n === 1) throw new Error('failed');
        return new FunctionExecutor().map((m: number) => 'x'.repeat(m), [100_000]);
      },
      [0, 1],
      { detached: true },
    );
    expect((await job.settled()).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
    expect(files.length).toBeGreaterThan(6);
    for (const { parentPath, name } of files) {
      expect((await readFile(join(parentPath, name))).includes('secret-5f2c9e'), name).toBe(false);
    }
  });
});

describe('a client whose jobs have ended', () => {
  it('has no timer, and its process ends by itself without dispose', async () => {
    const program = fileURLToPath(new URL('./fixtures/resting-client.ts', import.meta.url));
    const options = JSON.stringify({ ...optionsIn(folder), cleanOnDispose: false });
    const client = spawn(process.execPath, ['--conditions=@splitrock/source', program, options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output, [code]] = await Promise.all([text(client.stdout), once(client, 'exit') as Promise<[number]>]);
    expect({ output: JSON.parse(output) as unknown, code }).toEqual({ output: { timers: [] }, code: 0 });
  });
});

describe('cloud objects', () => {
  const write = async (n: number, { storage }: { storage: FunctionExecutor['storage'] }) =>
    storage.cloudObject(`object ${n}`);
  const exists = async (key: string): Promise<boolean> => (await executor.current.storage.head(key)) !== undefined;

  it('of calls go with their job when it is cleaned, and no other job’s do', async () => {
    const jobs = [executor.current.map(write, [0, 1]), executor.current.map(write, [2])] as const;
    const [[first, second], [kept]] = await Promise.all(jobs);
    const keys = [first, second, kept].map((object) => object?.key as string);
    expect(await Promise.all(keys.map(exists))).toEqual([true, true, true]);
    await executor.current.clean([jobs[0]]);
    expect(await Promise.all(keys.map(exists))).toEqual([false, false, true]);
  });

  it('are there for other calls as long as their job is', async () => {
    const objects = await executor.current.map(write, [7, 8]);
    const read = executor.current.callAsync(
      async (all: typeof objects, { storage }) =>
        Promise.all(all.map(async (object) => new TextDecoder().decode(await storage.get(object)))),
      objects,
    );
    expect(await read).toEqual(['object 7', 'object 8']);
  });
});

describe('clean', () => {
  it('without jobs leaves those alone that still run', async () => {
    await using other = new FunctionExecutor(optionsIn(folder));
    await other.map((n: number) => n, [1]);
    const running = other.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return 'r'.repeat(n);
      },
      [100_000],
    );
    await other.clean();
    expect((await running)[0]).toHaveLength(100_000);
  });
});

describe('a result that is gone from storage', () => {
  it('is an error at once, which names it; a lost result is never an empty one', async () => {
    const job = executor.current.map((n: number) => 'x'.repeat(n), [200_000, 10]);
    await executor.current.wait(job);
    for await (const { key } of executor.current.storage.list(`jobs/${executor.current.id}/`)) {
      if (key.includes('/results/')) await executor.current.storage.delete(key);
    }
    const error = await rejection(job);
    expect(error).toMatchObject({ code: 'STORAGE_OBJECT_NOT_FOUND', message: expect.stringContaining('/results/') });
    expect(await job.future(1)).toBe('x'.repeat(10));
  });
});

describe('records', () => {
  it('tell where and when each call ran, on which attempt, and what it used itself', async () => {
    const job = executor.current.map(
      async (busy: boolean, { attempt }) => {
        if (!busy && attempt === 1) throw new Error('once');
        for (const end = process.cpuUsage().user + 400_000; busy && process.cpuUsage().user < end;);
      },
      [true, false],
      { retries: { attempts: 2, backoffMs: 1 } },
    );
    await job;
    const [busy, idle] = job.records();
    expect(busy).toMatchObject({ callId: 0, attempt: 1, outcome: 'value' });
    expect(idle).toMatchObject({ callId: 1, attempt: 2, outcome: 'value' });
    expect(busy?.workerId).toMatch(/^localhost-/);
    for (const record of [busy, idle]) {
      expect(record?.finishedAtMs).toBeGreaterThanOrEqual(record?.startedAtMs as number);
    }
    // Beside a busy call, an idle one has used nothing: neither the machine's time counts, nor the worker's.
    expect(busy?.usage?.cpuUserMs).toBeGreaterThan(390);
    expect(idle?.usage?.cpuUserMs).toBeLessThan(200);
    expect(busy?.usage?.maxRssBytes).toBeGreaterThan(10_000_000);
  });
});
