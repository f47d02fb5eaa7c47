import { describe, expectTypeOf, it } from 'vitest';
import {
  CallLostError,
  FunctionExecutor,
  JobFailedError,
  SplitrockError,
  objects,
  type AsCompletedOptions,
  type AttachOptions,
  type CallContext,
  type CallError,
  type CallFunction,
  type CallFuture,
  type CallLogger,
  type CallOutcome,
  type CallRecord,
  type CallTimeoutError,
  type CallUsage,
  type CancelledError,
  type CleanResult,
  type CloudObject,
  type ConfigInput,
  type ErrorCode,
  type GroupedMapReduceOptions,
  type Job,
  type JobCounts,
  type JobEventMap,
  type JobEventName,
  type JobListener,
  type JobOptions,
  type MapReduceOptions,
  type ObjectMapReduceOptions,
  type ObjectTarget,
  type Partition,
  type PlotOptions,
  type PlotPaths,
  type RecordedOutcome,
  type ReduceFunction,
  type Reduced,
  type RetryOptions,
  type RetryQuestion,
  type TransferCallbacks,
  type TransferProgress,
  type UserStorage,
  type WaitOptions,
  type WaitResult,
  type Waitable,
} from 'splitrock';

const executor = new FunctionExecutor();

describe('types of the API', () => {
  it('infers items from the inputs and values from the function', () => {
    expectTypeOf(executor.map((n) => n.toFixed(), [1, 2])).toEqualTypeOf<Job<string>>();
    expectTypeOf(executor.map(async (word: string) => word.length, new Set(['a']))).toEqualTypeOf<Job<number>>();
    executor.map(
      (item, context) => {
        expectTypeOf(item).toEqualTypeOf<{ a: number }>();
        expectTypeOf(context).toEqualTypeOf<CallContext>();
      },
      [{ a: 1 }],
    );
  });

  it('awaits to arrays, iterates over outcomes, settles to outcomes', async () => {
    const job = executor.map((n: number) => n > 1, [1]);
    expectTypeOf(await job).toEqualTypeOf<boolean[]>();
    expectTypeOf(await job.settled()).toEqualTypeOf<CallOutcome<boolean>[]>();
    for await (const outcome of job.asCompleted()) expectTypeOf(outcome).toEqualTypeOf<CallOutcome<boolean>>();
    expectTypeOf(job.retryFailed()).toEqualTypeOf<Job<boolean>>();
  });

  it('types single calls, with and without input', async () => {
    expectTypeOf(executor.callAsync((name: string) => name.length, 'a')).toEqualTypeOf<CallFuture<number>>();
    expectTypeOf(await executor.callAsync(async () => null)).toEqualTypeOf<null>();
  });

  it('accepts futures and jobs where their values are accepted', () => {
    const numbers = executor.map((n: number) => n, [1]);
    expectTypeOf(executor.map((n: number) => `${n}`, numbers)).toEqualTypeOf<Job<string>>();
    expectTypeOf(executor.map((n: number) => n, [1, executor.callAsync(() => 2)])).toEqualTypeOf<Job<number>>();
    async function* lazily() {
      yield 'a';
    }
    expectTypeOf(executor.map((text) => text.length, lazily())).toEqualTypeOf<Job<number>>();
  });

  it('types both halves of mapReduce', () => {
    const reduced = executor.mapReduce(
      (n: number) => `${n}`,
      [1],
      (texts) => texts.length,
    );
    expectTypeOf(reduced).toEqualTypeOf<Reduced<number>>();
    const grouped = executor.mapReduce(
      (n: number) => n,
      [1],
      (all) => all.length,
      { reduceBy: (n) => n > 1 },
    );
    expectTypeOf(grouped).toEqualTypeOf<Reduced<Map<boolean, number>>>();
  });

  it('knows what the items of a data set are', async () => {
    const set = objects(['data/*.csv', new URL('https://example.org')], { chunks: 2 });
    expectTypeOf(executor.map((part) => part.size, set)).toEqualTypeOf<Job<number | undefined>>();
    const reduced = executor.mapReduce(
      async (part) => part.text(),
      set,
      (texts) => texts.length,
      { reduceBy: 'object' },
    );
    expectTypeOf(reduced).toEqualTypeOf<Reduced<Map<string, number>>>();
    const byPart = executor.mapReduce(
      (part: Partition) => part.name,
      set,
      (names) => names.join(),
      { reduceBy: (part) => part.part },
    );
    expectTypeOf(byPart).toEqualTypeOf<Reduced<Map<number, string>>>();
    for await (const part of executor.partitions(set)) expectTypeOf(part).toEqualTypeOf<Partition>();
    // @ts-expect-error a partition is no text
    executor.map((text: string) => text, set);
    // @ts-expect-error there is no such option
    objects('data/', { chunkSize: 5 });
  });

  it('types waiting and results', async () => {
    const job = executor.map((n: number) => `${n}`, [1]);
    const future = executor.callAsync(() => 1n);
    expectTypeOf(executor.wait([job, future], { returnWhen: 'any', timeoutMs: 5 })).toEqualTypeOf<
      Promise<WaitResult>
    >();
    expectTypeOf((await executor.wait()).done).toEqualTypeOf<readonly CallFuture<unknown>[]>();
    expectTypeOf(executor.getResult(job)).toEqualTypeOf<Promise<string[]>>();
    expectTypeOf(executor.getResult(future)).toEqualTypeOf<Promise<bigint>>();
    expectTypeOf(executor.getResult([job, job.future(0)])).toEqualTypeOf<Promise<string[]>>();
    expectTypeOf(executor.getResult()).toEqualTypeOf<Promise<unknown>>();
    // @ts-expect-error there is no such moment
    void executor.wait(job, { returnWhen: 'first' });
  });

  it('types futures, records and counts', async () => {
    const job = executor.map((n: number) => n > 0, [1]);
    expectTypeOf(job.future(0)).toEqualTypeOf<CallFuture<boolean>>();
    expectTypeOf(job.futures()).toEqualTypeOf<Promise<CallFuture<boolean>[]>>();
    expectTypeOf(job.future(0).settled()).toEqualTypeOf<Promise<CallOutcome<boolean>>>();
    expectTypeOf(job.future(0).record()).toEqualTypeOf<Promise<CallRecord | undefined>>();
    expectTypeOf(job.records()).toEqualTypeOf<CallRecord[]>();
    expectTypeOf<CallRecord['usage']>().toEqualTypeOf<CallUsage | undefined>();
    expectTypeOf(job.progress).toEqualTypeOf<JobCounts>();
    const outcome = await job.future(0).settled();
    if (outcome.status === 'rejected') expectTypeOf(outcome.reason).toEqualTypeOf<CallError>();
    else expectTypeOf(outcome.value).toEqualTypeOf<boolean>();
  });

  it('types events by their names', () => {
    const job = executor.map((n: number) => n, [1]);
    const stop = job.on('call:finish:error', ({ callId, error }) => {
      expectTypeOf(callId).toEqualTypeOf<number>();
      expectTypeOf(error).toEqualTypeOf<CallError>();
    });
    expectTypeOf(stop).toEqualTypeOf<() => void>();
    job.on('job:progress', (counts) => expectTypeOf(counts).toEqualTypeOf<JobCounts>());
    job.on('call:log', ({ stream }) => expectTypeOf(stream).toEqualTypeOf<'stdout' | 'stderr' | 'log'>());
    // @ts-expect-error there is no such event
    job.on('call:finished', () => {});
  });

  it('types what ends, cleans, draws and resumes', () => {
    const job = executor.map((n: number) => n, [1]);
    expectTypeOf(executor.attach<number>(job.id, { resume: false })).toEqualTypeOf<Job<number>>();
    expectTypeOf(executor.attach(job.id)).toEqualTypeOf<Job<unknown>>();
    expectTypeOf(executor.cancel()).toEqualTypeOf<Promise<void>>();
    expectTypeOf(job.cancel()).toEqualTypeOf<Promise<void>>();
    expectTypeOf(job.future(0).cancel()).toEqualTypeOf<Promise<void>>();
    expectTypeOf(executor.clean([job])).toEqualTypeOf<Promise<CleanResult>>();
    expectTypeOf(executor.plot({ jobs: [job] })).toEqualTypeOf<Promise<PlotPaths>>();
    expectTypeOf(executor.dispose()).toEqualTypeOf<Promise<void>>();
    expectTypeOf<FunctionExecutor>().toExtend<AsyncDisposable>();
    expectTypeOf(executor.storage).toEqualTypeOf<UserStorage>();
  });

  it('types a call’s context', () => {
    expectTypeOf<CallContext['signal']>().toEqualTypeOf<AbortSignal>();
    expectTypeOf<CallContext['storage']>().toEqualTypeOf<UserStorage>();
    expectTypeOf<CallContext['log']>().toEqualTypeOf<CallLogger>();
    expectTypeOf<Pick<CallContext, 'callId' | 'attempt'>>().toEqualTypeOf<{
      readonly callId: number;
      readonly attempt: number;
    }>();
  });

  it('takes every option of a job, and of each only its type', () => {
    executor.map((n: number) => n, [1], {
      name: 'all',
      timeoutMs: 1_000,
      abortGraceMs: 1,
      killGraceMs: 1,
      retries: { attempts: 2, backoffMs: 1, backoffFactor: 2, maxBackoffMs: 5, retryIf: ['TypeError'] },
      lostAttempts: 1,
      concurrency: 1,
      rateLimit: { calls: 1, perMs: 1 },
      chunkSize: 1,
      env: { A: 'b' },
      memoryMiB: 64,
      cpu: 1,
      readAhead: 1,
      maxLogBytes: 1,
      inlineResultBytes: 1,
      speculate: { quantile: 0.5 },
      failFast: true,
      detached: true,
      signal: AbortSignal.timeout(1),
      external: [],
      classes: [URL],
      this: undefined,
    });
    executor.map((n: number) => n, [1], { retries: 2, speculate: true, timeoutMs: null });
    // @ts-expect-error variables are texts
    executor.map((n: number) => n, [1], { env: { A: true } });
    // @ts-expect-error a number of attempts, or an object
    executor.map((n: number) => n, [1], { retries: 'many' });
  });

  it('lets helpers be written around it: its options and functions have names', () => {
    const options: JobOptions = { retries: { retryIf: ({ name, message }: RetryQuestion) => name !== message } };
    const double: CallFunction<number, Promise<number>> = async (n, { attempt }) => n * attempt;
    const sum: ReduceFunction<number, string> = (results) => results.join();
    const tree: MapReduceOptions = { ...options, fanIn: 2, reduce: { cpu: 2 } };
    const grouped: GroupedMapReduceOptions<number, string> = { reduceBy: (n, callId) => `${n} ${callId}` };
    const byObject: ObjectMapReduceOptions = { reduceBy: 'object' };
    const run = <I, R>(fn: CallFunction<I, R>, inputs: readonly I[]): Job<Awaited<R>> =>
      executor.map(fn, inputs, options);
    expectTypeOf(run(double, [1])).toEqualTypeOf<Job<number>>();
    expectTypeOf(executor.mapReduce(double, [1], sum, tree)).toEqualTypeOf<Reduced<string>>();
    expectTypeOf(executor.mapReduce(double, [1], sum, grouped)).toEqualTypeOf<Reduced<Map<string, string>>>();
    expectTypeOf<ObjectMapReduceOptions>().toExtend<MapReduceOptions>();
    expectTypeOf(byObject.reduceBy).toEqualTypeOf<'object'>();
    expectTypeOf<RetryOptions['attempts']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<AsCompletedOptions['keep']>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<AttachOptions['signal']>().toEqualTypeOf<AbortSignal | undefined>();
    expectTypeOf<WaitOptions['returnWhen']>().toEqualTypeOf<'all' | 'any' | number | undefined>();
    expectTypeOf<Waitable>().toEqualTypeOf<Job<unknown> | CallFuture<unknown>>();
    expectTypeOf<PlotOptions['jobs']>().toEqualTypeOf<readonly Job<unknown>[] | undefined>();
    expectTypeOf<RecordedOutcome>().toEqualTypeOf<'value' | 'error' | 'timeout' | 'lost' | 'cancelled'>();
  });

  it('types every event, and listeners that are written apart', () => {
    expectTypeOf<JobEventName>().toEqualTypeOf<
      | 'job:start'
      | 'job:progress'
      | 'job:finish'
      | 'job:diagnosis'
      | 'call:start'
      | 'call:finish:success'
      | 'call:finish:error'
      | 'call:retry'
      | 'call:log'
      | 'worker:change'
    >();
    const listener: JobListener<'call:retry'> = ({ delayMs }) => expectTypeOf(delayMs).toBeNumber();
    expectTypeOf(listener).parameter(0).toEqualTypeOf<JobEventMap['call:retry']>();
    expectTypeOf<JobEventMap['worker:change']['change']>().toEqualTypeOf<'started' | 'stopped' | 'lost'>();
    expectTypeOf<JobEventMap['job:diagnosis']['severity']>().toEqualTypeOf<'info' | 'warning' | 'error'>();
    // @ts-expect-error a listener of another event
    executor.map((n: number) => n, [1]).on('call:log', listener);
  });

  it('types storage, whole and by references', async () => {
    const { storage } = executor;
    const stored = await storage.cloudObject('text', { name: 'a' });
    expectTypeOf(stored).toEqualTypeOf<CloudObject>();
    expectTypeOf<ObjectTarget>().toEqualTypeOf<string | CloudObject>();
    expectTypeOf(storage.get(stored, { range: { offset: 1, length: 2 } })).toEqualTypeOf<Promise<Uint8Array>>();
    expectTypeOf(storage.getText('key')).toEqualTypeOf<Promise<string>>();
    for await (const { key, size } of storage.list('a/'))
      expectTypeOf({ key, size }).toEqualTypeOf<{ key: string; size: number }>();
    const onProgress: TransferCallbacks['onProgress'] = ({ bytes, totalBytes }: TransferProgress) =>
      void (bytes / totalBytes);
    expectTypeOf((await storage.upload('file', 'key', { onProgress })).size).toBeNumber();
    expectTypeOf(storage.download(stored, 'file')).toEqualTypeOf<Promise<number>>();
    // @ts-expect-error an object is bytes or text
    void storage.put('key', { a: 1 });
  });

  it('types errors by their class, with the code of each', () => {
    const error: unknown = undefined;
    if (error instanceof CallLostError) expectTypeOf(error.reason.kind).toExtend<string>();
    if (error instanceof JobFailedError) expectTypeOf(error.errors).toExtend<readonly Error[]>();
    if (error instanceof SplitrockError) {
      expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
      // @ts-expect-error there is no such code
      void (error.code === 'NO_SUCH_CODE');
    }
    expectTypeOf<CallTimeoutError>().toExtend<CallError>();
    expectTypeOf<CancelledError>().toExtend<CallError>();
  });

  it('types the configuration in code, plugins included', () => {
    const config: ConfigInput = { backend: 'localhost', job: { retries: 2 }, backends: { localhost: {} } };
    expectTypeOf(new FunctionExecutor({ ...config, cleanOnDispose: false })).toEqualTypeOf<FunctionExecutor>();
    // @ts-expect-error there is no such key
    void new FunctionExecutor({ bakend: 'localhost' });
    // @ts-expect-error the default of an option has its type
    void new FunctionExecutor({ job: { timeoutMs: 'soon' } });
  });

  it('refuses what cannot work', () => {
    // @ts-expect-error the function takes texts, the inputs are numbers
    executor.map((text: string) => text, [1, 2]);
    // @ts-expect-error there is no such option
    executor.map((n: number) => n, [1], { timeout: 5 });
    // @ts-expect-error a number is no collection
    executor.map((n: number) => n, 5);
  });
});
