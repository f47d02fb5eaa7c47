import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CallFailedError,
  CallLostError,
  CallTimeoutError,
  FunctionExecutor,
  JobFailedError,
  moduleFunction,
} from 'splitrock';
import { optionsIn, rejection, until, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

describe('a call that throws', () => {
  it('fails with the error it threw, and stops no other call', async () => {
    const job = executor.current.map(
      (n: number) => {
        if (n === 2) throw new RangeError('two is too many');
        return n;
      },
      [1, 2, 3],
    );
    const error = await rejection(job);
    expect(error).toBeInstanceOf(CallFailedError);
    expect(error).toMatchObject({ code: 'CALL_FAILED', call: { callId: 1, attempts: 1, jobId: job.id } });
    expect(error.message).toContain('RangeError: two is too many');
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(await job.settled()).toMatchObject([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', callId: 1 },
      { status: 'fulfilled', value: 3 },
    ]);
  });

  it('several failures make one error that lists them', async () => {
    const job = executor.current.map(
      (n: number) => {
        if (n > 1) throw new Error(`no ${n}`);
        return n;
      },
      [1, 2, 3],
    );
    const error = (await rejection(job)) as JobFailedError;
    expect(error).toBeInstanceOf(JobFailedError);
    expect(error.errors).toHaveLength(2);
    expect(error.message).toMatch(/2 of 3 calls .* no 2/);
  });

  it('keeps own properties, causes and values that are no errors', async () => {
    const job = executor.current.map(
      (n: number) => {
        if (n === 0) throw Object.assign(new Error('outer', { cause: new Error('inner') }), { status: 503 });
        throw 'just text';
      },
      [0, 1],
    );
    const [first, second] = await job.settled();
    expect(first?.status === 'rejected' && first.reason.cause).toMatchObject({
      message: 'outer',
      status: 503,
      cause: { message: 'inner' },
    });
    expect(second?.status === 'rejected' && second.reason.cause).toBe('just text');
  });

  it('rejects nowhere when nobody waits', async () => {
    executor.current.map(() => {
      throw new Error('unseen');
    }, [1]);
    // An unhandled rejection would fail the whole run.
    expect(await executor.current.callAsync(() => 'next')).toBe('next');
  });
});

describe('a result that cannot travel', () => {
  it('fails that call with its path', async () => {
    const error = await rejection(executor.current.callAsync(() => ({ deep: [() => 1] })));
    expect(error.message).toMatch(/deep/);
    expect(error.code).toMatch(/SERIALIZE_UNSUPPORTED|SHIP_/);
  });
});

describe('retries', () => {
  /** A function that fails `failures` times per item, counted by files. */
  const flaky = async (input: { folder: string; item: number; failures: number }, context: { attempt: number }) => {
    const { mkdir: make } = await import('node:fs/promises');
    await make(`${input.folder}/${input.item}-${context.attempt}`);
    if (context.attempt <= input.failures) throw Object.assign(new Error('not yet'), { name: 'FlakyError' });
    return input.item;
  };

  const invocations = async (directory: string, item: number): Promise<number> =>
    (await readdir(directory)).filter((name) => name.startsWith(`${item}-`)).length;

  it.each([
    ['no failures: one invocation', 0, 1],
    ['one failure: two invocations', 1, 2],
    ['two failures: three invocations', 2, 3],
  ])('%s', async (name, failures, expected) => {
    const directory = join(folder.path, `retries-${failures}`);
    await mkdir(directory);
    const inputs = [0, 1, 2].map((item) => ({ folder: directory, item, failures }));
    const job = executor.current.map(flaky, inputs, { retries: { attempts: 3, backoffMs: 1 }, name });
    expect(await job).toEqual([0, 1, 2]);
    for (const item of [0, 1, 2]) expect(await invocations(directory, item)).toBe(expected);
  });

  it('end with the last error, attempts counted, and never run more often than allowed', async () => {
    const directory = join(folder.path, 'retries-exhausted');
    await mkdir(directory);
    const job = executor.current.map(flaky, [{ folder: directory, item: 7, failures: 9 }], {
      retries: { attempts: 3, backoffMs: 1 },
    });
    expect(await rejection(job)).toMatchObject({ code: 'CALL_FAILED', call: { attempts: 3 } });
    expect(await invocations(directory, 7)).toBe(3);
  });

  it('work for every way to start calls, and by default from the configuration', async () => {
    await using other = new FunctionExecutor(optionsIn(folder, { job: { retries: { attempts: 2, backoffMs: 1 } } }));
    const once = (item: unknown, { attempt }: { attempt: number }): unknown => {
      if (attempt === 1) throw new Error('once');
      return item;
    };
    expect(await other.callAsync(once, 'single')).toBe('single');
    expect(await other.mapReduce(once, [1, 2], once)).toEqual([1, 2]);
    expect(await rejection(other.map(once, [1], { retries: 0 }))).toMatchObject({ call: { attempts: 1 } });
  });

  it('only follow the errors that were named', async () => {
    const directory = join(folder.path, 'retries-named');
    await mkdir(directory);
    const input = { folder: directory, item: 1, failures: 1 };
    const job = executor.current.map(flaky, [input], {
      retries: { attempts: 3, backoffMs: 1, retryIf: ['OtherError'] },
    });
    expect(await rejection(job)).toMatchObject({ call: { attempts: 1 } });
    const again = executor.current.map(flaky, [{ ...input, item: 2 }], {
      retries: { attempts: 3, backoffMs: 1, retryIf: ({ name }) => name === 'FlakyError' },
    });
    expect(await again).toEqual([2]);
  });

  it('begin when a call fails, not when the others have ended', async () => {
    const job = executor.current.map(
      async (slow: boolean, { attempt }) => {
        if (slow) await new Promise((resolve) => setTimeout(resolve, 700));
        else if (attempt === 1) throw new Error('once');
        return Date.now();
      },
      [true, false],
      { retries: { attempts: 2, backoffMs: 1 } },
    );
    const [slow, retried] = await job;
    expect(retried).toBeLessThan(slow as number);
  });

  it('of a settled job run the failed calls again and keep the values of the others', async () => {
    const marker = join(folder.path, 'second-round');
    const job = executor.current.map(
      async (input: { n: number; marker: string }) => {
        const { existsSync } = await import('node:fs');
        if (input.n > 0 && !existsSync(input.marker)) throw new Error('not open yet');
        return { n: input.n, at: Date.now() };
      },
      [0, 1, 2].map((n) => ({ n, marker })),
    );
    expect((await job.settled()).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    const [first] = await job.settled();
    await mkdir(marker);
    const values = await job.retryFailed();
    expect(values.map(({ n }) => n)).toEqual([0, 1, 2]);
    expect(values[0]).toEqual(first?.status === 'fulfilled' && first.value);
  });

  it('of a running job are refused', () => {
    const job = executor.current.map(() => new Promise((resolve) => setTimeout(resolve, 50)), [1]);
    expect(() => job.retryFailed()).toThrow(expect.objectContaining({ code: 'ILLEGAL_STATE' }));
  });
});

describe('a timeout', () => {
  it('aborts the signal, with the reason', async () => {
    const job = executor.current.map(
      (_: number, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      [1],
      { timeoutMs: 100 },
    );
    const error = await rejection(job);
    expect(error).toBeInstanceOf(CallTimeoutError);
    expect(error).toMatchObject({ code: 'CALL_TIMEOUT', details: { timeoutMs: 100, by: 'abort' } });
  });

  it('kills a call that never looks up, and its siblings finish', async () => {
    const job = executor.current.map(
      (hangs: boolean) => {
        while (hangs);
        return 'fine';
      },
      [true, false, false, false],
      { timeoutMs: 200, abortGraceMs: 50, killGraceMs: 50 },
    );
    const outcomes = await job.settled();
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect(outcomes[0]).toMatchObject({ reason: { code: 'CALL_TIMEOUT' } });
  });

  it('is retried when asked', async () => {
    const job = executor.current.map(
      (_: number, { attempt }) => {
        while (attempt === 1);
        return attempt;
      },
      [1],
      { timeoutMs: 1_500, abortGraceMs: 20, killGraceMs: 20, retries: { attempts: 2, backoffMs: 1 } },
    );
    expect(await job).toEqual([2]);
  });
});

describe('a call that kills its worker process', () => {
  it.each([
    ['by process.exit', (): void => process.exit(7), 'exit', /7/],
    ['by a signal', (): void => void process.kill(process.pid, 'SIGKILL'), 'crash', /SIGKILL/],
  ])('%s is lost after its attempts, and its siblings finish', async (_, die, kind, facts) => {
    const kill = die.toString();
    const job = executor.current.map(
      (code: string) => {
        if (code !== '') (0, eval)(`(${code})`)();
        return new Promise((resolve) => setTimeout(() => resolve('fine'), 20));
      },
      ['', kill, '', ''],
      { lostAttempts: 2 },
    );
    const outcomes = await job.settled();
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    const reason = outcomes[1]?.status === 'rejected' ? outcomes[1].reason : undefined;
    expect(reason).toBeInstanceOf(CallLostError);
    expect(reason).toMatchObject({ code: 'CALL_LOST', reason: { kind }, call: { attempts: 2 } });
    expect(reason?.message).toMatch(facts);
  });

  it('survives when only the first attempt dies', async () => {
    const job = executor.current.map(
      (_: number, { attempt }) => {
        if (attempt === 1) process.exit(1);
        return attempt;
      },
      [1, 2],
    );
    expect(await job).toEqual([2, 2]);
  });
});

describe('kill -9 of the worker process', () => {
  it('in the middle of a job of 1,000 calls loses no result', async () => {
    const other = new FunctionExecutor(optionsIn(folder));
    const worker = await other.callAsync(() => process.ppid);
    const inputs = Array.from({ length: 1_000 }, (_, n) => n);
    const job = other.map(async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return n;
    }, inputs);
    await until('some calls have ended', () => job.progress.settled > 100);
    process.kill(worker, 'SIGKILL');
    expect(await job).toEqual(inputs);
    expect(await other.callAsync(() => process.ppid)).not.toBe(worker);
    expect(new Set(job.records().map(({ workerId }) => workerId)).size).toBe(2);
    await other.dispose();
  });
});

describe('failFast', () => {
  it('cancels the other calls at the first failure', async () => {
    const job = executor.current.map(
      async (n: number) => {
        if (n === 0) throw new Error('first');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      },
      [0, 1, 2, 3],
      { failFast: true, abortGraceMs: 20, killGraceMs: 20 },
    );
    const outcomes = await job.settled();
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual([
      'CALL_FAILED',
      'CALL_CANCELLED',
      'CALL_CANCELLED',
      'CALL_CANCELLED',
    ]);
  });
});

describe('a function whose loading ends its process', () => {
  it.each([
    ['by exiting', 'process.exit(3);', /exit code 3/],
    ['by a signal', "process.kill(process.pid, 'SIGKILL');", /SIGKILL/],
  ])('%s is tried as often as a lost call is, and no more', { timeout: 60_000 }, async (_how, code, reason) => {
    const file = join(folder.path, `loading-${code.length}.mjs`);
    await writeFile(file, `${code}\nexport default () => 1;`);
    const error = await rejection(
      executor.current.callAsync(moduleFunction(file), undefined, { lostAttempts: 2 }).result(),
    );
    expect(error).toBeInstanceOf(CallLostError);
    expect(error).toMatchObject({ message: expect.stringMatching(reason), call: { attempts: 2 } });
    expect(await executor.current.callAsync(() => 'ran')).toBe('ran');
  });
});
