/** What a user does with jobs, on each Kubernetes backend with worker pods of a real cluster. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objects, type FunctionExecutor, type Partition } from 'splitrock';
import { KUBERNETES_BACKENDS } from './src/kubernetes-backends.ts';
import { World } from './src/world.ts';

let world: World;
let executor: FunctionExecutor;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe.each(KUBERNETES_BACKENDS)('a job in worker pods of $name', (backend) => {
  beforeAll(async () => {
    world = await World.create(backend);
    executor = world.executor();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('gives every call’s result in its place, undefined and null among them', async () => {
    const results = await executor.map((n: number) => [n * n, undefined, null, new Date(n)][n % 4], range(60));
    expect(results).toEqual(range(60).map((n) => [n * n, undefined, null, new Date(n)][n % 4]));
  });

  it('maps and reduces, once and for each key', async () => {
    const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0);
    const square = (n: number): number => n * n;
    expect(await executor.mapReduce(square, range(30), sum)).toBe(sum(range(30).map(square)));
    const byParity = await executor.mapReduce(square, range(9), sum, {
      reduceBy: (n) => (n % 2 === 0 ? 'even' : 'odd'),
    });
    expect(byParity).toEqual(
      new Map([
        ['even', 0 + 4 + 16 + 36 + 64],
        ['odd', 1 + 9 + 25 + 49],
      ]),
    );
  });

  it('reads a data set in S3 part by part, every row in exactly one call', async () => {
    const folder = `data-${randomUUID()}`;
    const rows = (file: number): string[] => range(400).map((row) => `${file}:${row}:${'x'.repeat(row % 97)}`);
    for (const file of range(3)) await executor.storage.put(`${folder}/${file}.txt`, `${rows(file).join('\n')}\n`);
    const readRows = async (part: Partition): Promise<string[]> => {
      const found: string[] = [];
      for await (const line of part.lines()) found.push(line);
      return found;
    };
    const parts = await executor.map(readRows, objects(`${folder}/*.txt`, { chunkBytes: 4_096 }));
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.flat()).toEqual(range(3).flatMap(rows));
    // The same objects by the store's own address, reduced per object.
    const inBucket = objects(`s3://${world.bucket}/${world.tenant}/${folder}/*.txt`, { chunkBytes: 8_192 });
    const counts = await executor.mapReduce(readRows, inBucket, (found) => found.flat().length, { reduceBy: 'object' });
    expect([...counts.values()]).toEqual([400, 400, 400]);
  });

  it('is refused before it is submitted when the image lacks a package that its function leaves to it', async () => {
    const job = executor.map(async () => (await import('prettier')).version, [1], { external: ['prettier'] });
    await expect(job.result()).rejects.toMatchObject({
      code: 'BACKEND_CANNOT_RUN',
      message: expect.stringMatching(/needs the package prettier \d.*which the runtime does not have/),
    });
    expect(await executor.callAsync(() => 'ran')).toBe('ran');
  });

  it('tells what calls write, while they run and with the call that wrote it', async () => {
    const job = executor.map((n: number, { log }) => {
      console.log(`printed by ${n}`);
      console.error(`complained by ${n}`);
      log.info('logged', { n });
    }, range(3));
    const lines: string[] = [];
    job.on('call:log', ({ callId, stream, text }) => lines.push(`${callId} ${stream} ${text.trim()}`));
    await job;
    expect(lines.toSorted((a, b) => a.localeCompare(b))).toEqual(
      range(3).flatMap((n) => [`${n} log logged`, `${n} stderr complained by ${n}`, `${n} stdout printed by ${n}`]),
    );
  });

  it('is cancelled: what waits never runs, what runs ends, and its slots are free', async () => {
    const job = executor.map(async (_: number, { storage, callId, jobId }) => {
      await storage.put(`began/${jobId}/${callId}`, '');
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    }, range(40));
    const began = async (): Promise<number> => {
      let count = 0;
      for await (const _ of executor.storage.list(`began/${job.id}/`)) count += 1;
      return count;
    };
    await expect.poll(began, { timeout: 30_000 }).toBe(4);
    await job.cancel();
    const outcomes = await job.settled();
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      range(40).map(() => 'CALL_CANCELLED'),
    );
    expect(await executor.map((n: number) => n + 1, range(8))).toEqual(range(8).map((n) => n + 1));
    expect(await began()).toBe(4);
  });

  it('tries again what failed, elsewhere, and tells what failed for good', async () => {
    const job = executor.map(
      (n: number, { attempt }) => {
        if (n === 1) throw new RangeError(`never ${n}`);
        if (attempt < 3) throw new Error(`not yet ${attempt}`);
        return attempt;
      },
      range(4),
      { retries: { attempts: 3, backoffMs: 10 } },
    );
    const outcomes = await job.settled();
    const good = (callId: number) => ({ status: 'fulfilled', callId, attempts: 3, value: 3 });
    expect(outcomes).toMatchObject([good(0), { status: 'rejected', attempts: 3 }, good(2), good(3)]);
    expect(outcomes[1]).toMatchObject({
      reason: { code: 'CALL_FAILED', cause: { name: 'RangeError', message: 'never 1' } },
    });
  });

  it('stops a call that runs too long, and no other', async () => {
    const job = executor.map(
      async (n: number) => {
        if (n === 2) for (;;);
        return n;
      },
      range(5),
      { timeoutMs: 1_000, abortGraceMs: 100, killGraceMs: 100 },
    );
    const outcomes = await job.settled();
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))).toEqual([
      0,
      1,
      'CALL_TIMEOUT',
      3,
      4,
    ]);
  });
});
