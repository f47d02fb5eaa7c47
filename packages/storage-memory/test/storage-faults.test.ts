import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { MemoryStorage } from '@splitrock/storage-memory';
import { StaleStorage, assertFaultsHit, delay, failOnce, failTimes, withFaults } from '@splitrock/testkit';

let inner: MemoryStorage;
const bytes = new Uint8Array([1]);

beforeEach(() => {
  inner = new MemoryStorage({ maxObjectBytes: 1_000 }, { clock: systemClock, logger: silentLogger });
});

describe('failOnce', () => {
  it('fails the next operation of its kind and key, before anything is done', async () => {
    const lost = failOnce('put', { key: /^a/ });
    const storage = withFaults(inner, lost);
    await storage.put('b', bytes);
    await expect(storage.put('a', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true });
    expect(await inner.head('a')).toBeUndefined();
    await storage.put('a', bytes);
    expect(lost.hits).toBe(2);
    assertFaultsHit(lost);
  });

  it('fails after the effect where the answer is to be lost, with the error of the test', async () => {
    const error = new Error('the answer was lost');
    const storage = withFaults(inner, failOnce('put', { after: true, error }));
    await expect(storage.put('a', bytes)).rejects.toBe(error);
    expect(await inner.head('a')).toBeDefined();
  });
});

describe('failTimes', () => {
  it('fails so many operations', async () => {
    const storage = withFaults(inner, failTimes(2, 'head'));
    await expect(storage.head('a')).rejects.toThrow('Injected fault');
    await expect(storage.head('a')).rejects.toThrow('Injected fault');
    expect(await storage.head('a')).toBeUndefined();
  });
});

describe('delay', () => {
  it('holds an operation until it is let go', async () => {
    let release = (): void => {};
    const held = delay('get', () => new Promise<void>((resolve) => (release = resolve)));
    const storage = withFaults(inner, held);
    await storage.put('a', bytes);
    let done = false;
    const get = storage.get('a').then((object) => ((done = true), object));
    await new Promise(setImmediate);
    expect([done, held.hits]).toEqual([false, 1]);
    release();
    expect([...(await get)]).toEqual([1]);
  });
});

describe('StaleStorage', () => {
  it('misses what was written since it froze, until it thaws', async () => {
    const storage = new StaleStorage(inner);
    await storage.put('old', bytes);
    storage.freeze();
    await storage.put('new', bytes);
    const keys = async (): Promise<string[]> => {
      const listed: string[] = [];
      for await (const { key } of storage.list('')) listed.push(key);
      return listed;
    };
    expect(await keys()).toEqual(['old']);
    expect(await storage.head('new')).toBeUndefined();
    await expect(storage.get('new')).rejects.toMatchObject({ code: 'STORAGE_OBJECT_NOT_FOUND' });
    storage.thaw();
    expect(await keys()).toEqual(['new', 'old']);
    assertFaultsHit(storage);
  });
});

describe('assertFaultsHit', () => {
  it('names the faults that nothing met', () => {
    expect(() => assertFaultsHit(failOnce('put', { key: /x/ }), failOnce('list'))).toThrow(
      'faults that were never met: fail put of /x/, fail list',
    );
  });
});
