import { describe, expect, it } from 'vitest';
import { FunctionExecutor } from 'splitrock';
import { rejection, useExecutor, useFolder } from './support.ts';

const folder = useFolder();
const executor = useExecutor(folder);

describe('map', () => {
  it('gives values in input order', async () => {
    const values = await executor.current.map((n: number) => n * n, [3, 1, 2]);
    expect(values).toEqual([9, 1, 4]);
  });

  it('keeps null, undefined and falsy values in their places', async () => {
    const inputs = [undefined, null, 0, '', false, Number.NaN];
    expect(await executor.current.map((value: unknown) => value, inputs)).toEqual(inputs);
  });

  it('runs one call per item of a Set, an array-like view, a range and a tuple', async () => {
    const double = (n: number): number => n * 2;
    expect(await executor.current.map(double, new Set([1, 2]))).toEqual([2, 4]);
    expect(await executor.current.map(double, Uint8Array.of(3, 4))).toEqual([6, 8]);
    expect(await executor.current.map(double, Array(3).keys())).toEqual([0, 2, 4]);
    const tuple: readonly [number, number] = [5, 6];
    expect(await executor.current.map(double, tuple)).toEqual([10, 12]);
  });

  it('gives an array item to its call as one argument', async () => {
    expect(
      await executor.current.map(
        (pair: string[]) => pair.join(' '),
        [
          ['a', 'b'],
          ['c', 'd'],
        ],
      ),
    ).toEqual(['a b', 'c d']);
  });

  it('gives an object to its call as one argument, whatever the parameters are called or default to', async () => {
    const add = ({ id, obj = 2 }: { id: number; obj?: number }): number => id + obj;
    expect(await executor.current.map(add, [{ id: 1 }, { id: 1, obj: 5 }])).toEqual([3, 6]);
    expect(await executor.current.map((storage: number) => storage, [7])).toEqual([7]);
  });

  it('gives lazy inputs the classes that the option names', async () => {
    class Price {
      readonly cents: number;
      constructor(cents: number) {
        this.cents = cents;
      }
      euros(): number {
        return this.cents / 100;
      }
    }
    function* prices() {
      yield new Price(250);
      yield new Price(500);
    }
    const euros = (price: { euros(): number }): number => price.euros();
    expect(await executor.current.map(euros, prices(), { classes: [Price] })).toEqual([2.5, 5]);
    expect(() => executor.current.map(euros, prices(), { classes: [{}] as never })).toThrow(
      /classes: must be an array/,
    );
  });

  it('refuses functions that capture more than the executor’s limit, before anything starts', () => {
    const text = 'x'.repeat(2000);
    const limited = new FunctionExecutor({ maxCapturedBytes: 1000 });
    expect(() => limited.map(() => text.length, [1])).toThrow(
      expect.objectContaining({
        code: 'SHIP_TOO_BIG',
        message: expect.stringContaining('the largest are `text`') as string,
      }),
    );
    expect(() => new FunctionExecutor({ maxCapturedBytes: 0 })).toThrow(/maxCapturedBytes must be a whole number/);
  });

  it('reads generators and async generators item by item', async () => {
    function* numbers() {
      for (let n = 0; n < 2_500; n += 1) yield n;
    }
    async function* words() {
      yield 'a';
      await new Promise((resolve) => setImmediate(resolve));
      yield 'b';
    }
    const values = await executor.current.map((n: number) => -n, numbers());
    expect(values).toHaveLength(2_500);
    expect(values[2_499]).toBe(-2_499);
    expect(await executor.current.map((word: string) => word.toUpperCase(), words())).toEqual(['A', 'B']);
  });

  it('gives an empty array for empty inputs of every kind', async () => {
    const same = (value: unknown): unknown => value;
    expect(await executor.current.map(same, [])).toEqual([]);
    expect(await executor.current.map(same, new Set())).toEqual([]);
    expect(await executor.current.map(same, (function* () {})())).toEqual([]);
    expect(await executor.current.map(same, (async function* () {})())).toEqual([]);
  });

  it('freezes the inputs of an array when it is called', async () => {
    const inputs = [{ n: 1 }, { n: 2 }];
    const job = executor.current.map((input: { n: number }) => input.n, inputs);
    for (const input of inputs) input.n = 99;
    inputs.push({ n: 3 });
    expect(await job).toEqual([1, 2]);
  });

  it('awaits asynchronous functions', async () => {
    const job = executor.current.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return n + 1;
      },
      [1, 2],
    );
    expect(await job).toEqual([2, 3]);
  });

  it('gives each call its context', async () => {
    const job = executor.current.map(
      (_: string, context) => ({
        callId: context.callId,
        attempt: context.attempt,
        jobId: context.jobId,
        jobName: context.jobName,
        executorId: context.executorId,
        aborted: context.signal.aborted,
      }),
      ['a', 'b'],
      { name: 'who am I' },
    );
    const [, second] = await job;
    expect(second).toEqual({
      callId: 1,
      attempt: 1,
      jobId: job.id,
      jobName: 'who am I',
      executorId: executor.current.id,
      aborted: false,
    });
  });

  it('lets calls use the storage', async () => {
    await executor.current.storage.put('test/greeting', 'hello');
    const job = executor.current.map(
      async (suffix: string, { storage }) => new TextDecoder().decode(await storage.get('test/greeting')) + suffix,
      ['!', '?'],
    );
    expect(await job).toEqual(['hello!', 'hello?']);
    await executor.current.storage.delete('test/greeting');
  });

  it('carries large inputs and results through storage', async () => {
    const large = 'x'.repeat(3_000_000);
    const [twice] = await executor.current.map((text: string) => text + text, [large]);
    expect(twice).toHaveLength(6_000_000);
  });

  it('runs several jobs of one executor at the same time', async () => {
    const one = executor.current.map((n: number) => n + 1, [1, 2, 3]);
    const other = executor.current.map((n: number) => n - 1, [1, 2, 3]);
    expect(await Promise.all([one, other])).toEqual([
      [2, 3, 4],
      [0, 1, 2],
    ]);
    expect(one.id).not.toBe(other.id);
  });

  it('gives the same array when it is awaited twice', async () => {
    const job = executor.current.map((n: number) => n, [1]);
    expect(await job).toBe(await job);
  });
});

describe('callAsync', () => {
  it('gives the bare value of one call', async () => {
    expect(await executor.current.callAsync((name: string) => `Hello ${name}!`, 'world')).toBe('Hello world!');
  });

  it('takes a list as one argument, and none at all', async () => {
    expect(await executor.current.callAsync((pair: string[]) => pair.join(' '), ['a', 'b'])).toBe('a b');
    expect(await executor.current.callAsync(() => 'nothing')).toBe('nothing');
  });

  it('gives values with an ambiguous truth value untouched', async () => {
    const value = await executor.current.callAsync(() => ({ valueOf: 0, then: 'not a promise', length: 0 }));
    expect(value).toEqual({ valueOf: 0, then: 'not a promise', length: 0 });
  });
});

describe('bad input', () => {
  it.each([
    ['a number', 5, /got=5/],
    ['null', null, /got=null/],
    ['undefined', undefined, /got=undefined/],
    ['a text', 'abc', /one value/],
    ['a plain object', { a: 1 }, /got=Object/],
  ])('%s is refused at once', (_, inputs, message) => {
    expect(() => executor.current.map((x: unknown) => x, inputs as never)).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('lists every problem of the options', () => {
    const options = { timeoutMs: -1, retries: 1.5, concurency: 3 } as never;
    const start = (): unknown => executor.current.map((n: number) => n, [1], options);
    expect(start).toThrow(/timeoutMs.*retries.*concurency/s);
  });

  it('refuses a function that cannot travel, naming what it reaches', () => {
    const later = Promise.resolve(1);
    expect(() => executor.current.map(() => later, [1])).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^SHIP_/), message: expect.stringContaining('later') }),
    );
  });

  it.each([
    ['an unknown key', { storag: 'local' }, /storag: unknown key \(code\); did you mean storage\?/],
    ['a wrong type', { logLevel: 5 }, /logLevel: must be one of .*, got 5 \(code\)/],
    [
      'a wrong option of a plugin',
      { backends: { localhost: { workerProceses: 2 } } },
      /workerProceses: unknown key \(code\); did you mean workerProcesses\?/,
    ],
  ])('of the configuration is told to whoever waits: %s', async (_, options, message) => {
    const other = new FunctionExecutor({ cwd: folder.path, ...(options as object) });
    const job = other.map((n: number) => n, [1]);
    expect(await rejection(job)).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
    await other.dispose();
  });

  it('names the item that cannot travel', () => {
    const start = (): unknown => executor.current.map((x: unknown) => x, [1, { ok: 1, later: Promise.resolve() }]);
    expect(start).toThrow(
      expect.objectContaining({ code: 'SERIALIZE_UNSUPPORTED', message: expect.stringContaining('Input 1') }),
    );
    expect(start).toThrow(/\.later/);
  });

  it.each([
    ['a text', 'nope', /got="nope"/],
    ['nothing', undefined, /got=undefined/],
    ['an object', { run: () => 1 }, /got=Object/],
    ['a promise of a function', Promise.resolve(() => 1), /got=Promise/],
  ])('refuses %s where a function must be', (_, given, message) => {
    const refusal = expect.objectContaining({ code: 'ARGUMENT_INVALID', message: expect.stringMatching(message) });
    expect(() => executor.current.map(given as never, [1])).toThrow(refusal);
    expect(() => executor.current.callAsync(given as never, 1)).toThrow(refusal);
    expect(() => executor.current.mapReduce((n: number) => n, [1], given as never)).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID', message: expect.stringContaining('the reduce function') }),
    );
  });

  it('ends with the error of a generator that throws, after the calls that were read', async () => {
    function* broken() {
      yield 1;
      yield 2;
      throw new Error('the well ran dry');
    }
    const job = executor.current.map((n: number) => n, broken());
    const error = await rejection(job);
    expect(error).toMatchObject({ code: 'JOB_INPUT_FAILED', message: expect.stringContaining('the well ran dry') });
    expect(await job.settled()).toMatchObject([{ value: 1 }, { value: 2 }]);
  });

  it('refuses a disposed executor', async () => {
    const { FunctionExecutor } = await import('splitrock');
    const other = new FunctionExecutor();
    await other.dispose();
    expect(() => other.map((n: number) => n, [1])).toThrow(expect.objectContaining({ code: 'ILLEGAL_STATE' }));
  });
});
