import { describe, expect, it } from 'vitest';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import { abortable, bodyChunks } from './abortable.ts';
import { resolveByteRange } from './byte-range.ts';
import { deleteInBatches, type DeleteManyPlan } from './delete-many.ts';
import { checkStorageKey, compareStorageKeys } from './storage-key.ts';
import { StorageLifecycle } from './storage-lifecycle.ts';

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );

describe('checkStorageKey', () => {
  const limits = { maxKeyBytes: 10 };

  it.each(['a', '0123456789', 'éééée'.slice(0, 5), '😀😀'])('takes %j', (key) => {
    expect(() => checkStorageKey(key, limits)).not.toThrow();
  });

  it.each([
    ['', 'is empty'],
    ['\ud800', 'is not well-formed'],
    ['01234567890', 'has 11 UTF-8 bytes'],
    ['😀😀😀', 'has 12 UTF-8 bytes'],
    [7 as unknown as string, 'is not a string'],
  ])('refuses %j: it %s', (key, problem) => {
    expect(() => checkStorageKey(key, limits)).toThrow(problem);
  });
});

describe('compareStorageKeys', () => {
  it.each<[string, string, number]>([
    ['a', 'a', 0],
    ['a', 'b', -1],
    ['a', 'ab', -1],
    ['\uffff', '😀', -1],
    ['😀', '\ue000', 1],
    ['😀', '😁', -1],
  ])('orders %j and %j', (left, right, order) => {
    expect(Math.sign(compareStorageKeys(left, right))).toBe(order);
  });
});

describe('resolveByteRange', () => {
  it.each([
    [undefined, 0, 10],
    [{ offset: 3 }, 3, 10],
    [{ offset: 3, length: 4 }, 3, 7],
    [{ offset: 8, length: 4 }, 8, 10],
    [{ offset: 10, length: 1 }, 10, 10],
    [{ offset: 99 }, 10, 10],
    [{ offset: 3, length: Number.MAX_SAFE_INTEGER }, 3, 10],
  ])('of %j in ten bytes is %i to %i', (range, start, end) => {
    expect(resolveByteRange(range, 10)).toEqual({ start, end });
  });
});

describe('abortable', () => {
  it('settles as the promise does and leaves no listener', async () => {
    const controller = new AbortController();
    expect(await abortable(Promise.resolve(1), controller.signal)).toBe(1);
    const error = new Error('failed');
    expect(await failureOf(abortable(Promise.reject(error), controller.signal))).toBe(error);
    expect(await abortable(Promise.resolve(2), undefined)).toBe(2);
  });

  it('rejects with the reason when the signal aborts first, or has before', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const waiting = failureOf(abortable(new Promise(() => {}), controller.signal));
    controller.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await failureOf(abortable(new Promise(() => {}), controller.signal))).toBe(reason);
  });
});

describe('bodyChunks', () => {
  it('tells a source that is left early to stop, once', async () => {
    let returned = 0;
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: new Uint8Array(1) }),
        return: async () => ({ done: true, value: void returned++ }),
      }),
    };
    for await (const chunk of bodyChunks(source)) if (chunk.length === 1) break;
    expect(returned).toBe(1);
  });

  it('does not tell a source that ended or failed by itself', async () => {
    let returned = 0;
    const failing = (error: Error | undefined): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]: () => ({
        async next() {
          if (error !== undefined) throw error;
          return { done: true, value: undefined };
        },
        return: async () => ({ done: true, value: void returned++ }),
      }),
    });
    const read = async (source: AsyncIterable<Uint8Array>): Promise<number> => {
      let chunks = 0;
      for await (const chunk of bodyChunks(source)) chunks += chunk.length;
      return chunks;
    };
    const error = new Error('broke');
    expect(await failureOf(read(failing(error)))).toBe(error);
    expect(await read(failing(undefined))).toBe(0);
    expect(returned).toBe(0);
  });
});

describe('deleteInBatches', () => {
  const plan = (changes: Partial<DeleteManyPlan>): DeleteManyPlan => ({
    storage: 'test',
    limits: { maxKeyBytes: 10 },
    batchSize: 2,
    deleteBatch: async () => [],
    ...changes,
  });

  it('cuts keys into batches', async () => {
    const batches: (readonly string[])[] = [];
    await deleteInBatches(['a', 'b', 'c'], plan({ deleteBatch: async (keys) => (batches.push(keys), []) }));
    expect(batches).toEqual([['a', 'b'], ['c']]);
  });

  it('names every failure in one error, and says retryable only if all are', async () => {
    const broken = new Error('broken');
    const deleteBatch = async (keys: readonly string[]) => keys.map((key) => ({ key, error: broken }));
    const keys = Array.from({ length: 9 }, (_, index) => `k${index}`);
    const error = await failureOf(deleteInBatches(keys, plan({ deleteBatch })));
    expect(isSplitrockError(error, 'STORAGE_UNAVAILABLE')).toBe(true);
    expect(error).toMatchObject({
      retryable: false,
      details: { failures: keys.map((key) => expect.objectContaining({ key })) },
    });
    expect((error as Error).message).toContain('[failed=9]');
    expect((error as Error).message).toContain('and 4 more');
  });

  it('goes on after a batch that throws, and counts all its keys', async () => {
    let calls = 0;
    const deleteBatch = async () => {
      if (++calls === 1) throw new Error('broken');
      return [];
    };
    const error = await failureOf(deleteInBatches(['a', 'b', 'c'], plan({ deleteBatch })));
    expect(error).toMatchObject({ details: { failures: [{ key: 'a' }, { key: 'b' }] } });
    expect(calls).toBe(2);
  });
});

describe('StorageLifecycle', () => {
  it('refuses once closed, and closes once', () => {
    const lifecycle = new StorageLifecycle('test');
    lifecycle.check();
    expect([lifecycle.close(), lifecycle.close(), lifecycle.closed]).toEqual([true, false, true]);
    expect(() => lifecycle.check()).toThrow('Storage test is closed');
    expect(lifecycle.signal.aborted).toBe(true);
  });
});
