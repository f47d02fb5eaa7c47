import { describe, expect, it } from 'vitest';
import type { OperationOptions, Storage } from '@splitrock/core/plugin';
import { asText, listKeys, patternBytes, readAll, rejectionOf, sameBytes, text } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

const METHODS: readonly [string, (storage: Storage, key: string, options: OperationOptions) => Promise<unknown>][] = [
  ['put', (storage, key, options) => storage.put(key, text('new'), options)],
  ['put ifAbsent', (storage, key, options) => storage.put(`${key}-2`, text('new'), { ...options, ifAbsent: true })],
  ['get', (storage, key, options) => storage.get(key, options)],
  ['getStream', (storage, key, options) => readAll(storage.getStream(key, options))],
  ['head', (storage, key, options) => storage.head(key, options)],
  ['delete', (storage, key, options) => storage.delete(key, options)],
  ['deleteMany', (storage, key, options) => storage.deleteMany([key], options)],
  ['list', (storage, key, options) => listKeys(storage.list(key, options))],
];

export function abortingTests(suite: SuiteContext): void {
  describe('abort signals', () => {
    it.each(METHODS)(
      '%s rejects with the reason of a signal that aborted before, and does nothing',
      async (_name, run) => {
        const prefix = suite.freshPrefix();
        await suite.storage.put(`${prefix}object`, text('old'));
        const reason = new Error('not wanted any more');
        expect(await rejectionOf(run(suite.storage, `${prefix}object`, { signal: AbortSignal.abort(reason) }))).toBe(
          reason,
        );
        expect(asText(await suite.storage.get(`${prefix}object`))).toBe('old');
        expect(await listKeys(suite.storage.list(prefix))).toEqual([`${prefix}object`]);
      },
    );

    it.each(METHODS)(
      '%s rejects with the reason or has done its work when the signal aborts meanwhile',
      async (_name, run) => {
        const key = `${suite.freshPrefix()}object`;
        await suite.storage.put(key, text('old'));
        const reason = new Error('changed my mind');
        for (const turns of [0, 1, 2, 5]) {
          const controller = new AbortController();
          const outcome = run(suite.storage, key, { signal: controller.signal }).catch((error: unknown) => error);
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
          controller.abort(reason);
          const result = await outcome;
          if (result instanceof Error && result !== reason)
            expect(result).toMatchObject({ code: 'STORAGE_OBJECT_NOT_FOUND' });
        }
        // An aborted delete may still reach the store after this.
        const left = await suite.storage.get(key).then(asText, () => undefined);
        expect([undefined, 'old', 'new']).toContain(left);
      },
    );

    it('end a put whose stream is silent, and tell the stream', async () => {
      const key = `${suite.freshPrefix()}silent`;
      await suite.storage.put(key, text('old'));
      const controller = new AbortController();
      const source = silentAfter(patternBytes(100_000));
      const reason = new Error('waited long enough');
      const put = rejectionOf(suite.storage.put(key, source.body, { signal: controller.signal }));
      await source.silent;
      controller.abort(reason);
      expect(await put).toBe(reason);
      await source.returned;
      expect(asText(await suite.storage.get(key))).toBe('old');
    });

    it('leave the key as it was when they end a large put', async () => {
      const key = `${suite.freshPrefix()}large`;
      const old = patternBytes(1_000);
      await suite.storage.put(key, old);
      const controller = new AbortController();
      const reason = new Error('enough');
      const chunk = patternBytes(1_000_000);
      const body = (async function* () {
        for (let sent = 0; sent < suite.options.largeObjectBytes; sent += chunk.length) yield chunk;
        controller.abort(reason);
        yield chunk;
      })();
      expect(await rejectionOf(suite.storage.put(key, body, { signal: controller.signal }))).toBe(reason);
      expect(sameBytes(await suite.storage.get(key), old)).toBe(true);
    });

    it('end a stream between two chunks', async () => {
      const key = `${suite.freshPrefix()}large`;
      await suite.storage.put(key, patternBytes(suite.options.largeObjectBytes));
      const controller = new AbortController();
      const reason = new Error('seen enough');
      const iterator = suite.storage.getStream(key, { signal: controller.signal })[Symbol.asyncIterator]();
      await iterator.next();
      controller.abort(reason);
      expect(await rejectionOf(iterator.next())).toBe(reason);
      expect((await iterator.next()).done).toBe(true);
    });

    it('end a listing between two objects', async () => {
      const prefix = suite.freshPrefix();
      for (const name of ['a', 'b', 'c']) await suite.storage.put(prefix + name, text(name));
      const controller = new AbortController();
      const reason = new Error('listed enough');
      const iterator = suite.storage.list(prefix, { signal: controller.signal })[Symbol.asyncIterator]();
      expect((await iterator.next()).value).toMatchObject({ key: `${prefix}a` });
      controller.abort(reason);
      expect(await rejectionOf(iterator.next())).toBe(reason);
    });

    it('end a deleteMany between two keys', async () => {
      const prefix = suite.freshPrefix();
      const controller = new AbortController();
      const reason = new Error('deleted enough');
      const keys = (async function* () {
        yield `${prefix}a`;
        controller.abort(reason);
        yield `${prefix}b`;
      })();
      expect(await rejectionOf(suite.storage.deleteMany(keys, { signal: controller.signal }))).toBe(reason);
    });

    it('that never abort keep no listener', async () => {
      const controller = new AbortController();
      const counted = countListeners(controller.signal);
      const key = `${suite.freshPrefix()}object`;
      for (const [, run] of METHODS) {
        await suite.storage.put(key, text('old'));
        await run(suite.storage, key, { signal: controller.signal });
      }
      expect(counted()).toBe(0);
    });
  });
}

/** A stream that yields some bytes and then neither ends nor goes on. */
function silentAfter(bytes: Uint8Array): {
  body: AsyncIterable<Uint8Array>;
  silent: Promise<void>;
  returned: Promise<void>;
} {
  let becomeSilent = (): void => {};
  let becomeReturned = (): void => {};
  const silent = new Promise<void>((resolve) => (becomeSilent = resolve));
  const returned = new Promise<void>((resolve) => (becomeReturned = resolve));
  let sent = false;
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next() {
        if (!sent) {
          sent = true;
          return Promise.resolve({ done: false, value: bytes });
        }
        becomeSilent();
        return new Promise(() => {});
      },
      return() {
        becomeReturned();
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  return { body, silent, returned };
}

/** Counts the abort listeners that are on a signal and would stay there. */
function countListeners(signal: AbortSignal): () => number {
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: 'abort', listener: unknown, options?: unknown) => {
    listeners.add(listener);
    add(type, listener as () => void, options as { once?: boolean });
  };
  signal.removeEventListener = (type: 'abort', listener: unknown, options?: unknown) => {
    listeners.delete(listener);
    remove(type, listener as () => void, options as { capture?: boolean });
  };
  return () => listeners.size;
}
