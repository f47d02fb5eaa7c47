import { describe, expect, it } from 'vitest';
import type { Storage, WatchableStorage } from '@splitrock/core/plugin';
import { eventually, listKeys, rejectionOf, text } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

export function watchingTests(suite: SuiteContext): void {
  const { capabilities, patienceMs } = suite.options;

  describe.runIf(capabilities.watch)('watch', () => {
    const watching = (storage: Storage = suite.storage): Storage & WatchableStorage =>
      storage as Storage & WatchableStorage;

    /** Counts the calls; `next` resolves when a change is told after it was asked for. */
    const changes = () => {
      let count = 0;
      const until = (wanted: number): Promise<number> =>
        eventually('a change to be told', patienceMs, async () => (count >= wanted ? count : undefined));
      return { onChange: () => void count++, next: () => until(count + 1), count: () => count };
    };

    it.each([
      ['an object is created', async (storage: Storage, prefix: string) => storage.put(`${prefix}new`, text('x'))],
      [
        'an object is created only if absent',
        async (storage: Storage, prefix: string) => storage.put(`${prefix}new2`, text('x'), { ifAbsent: true }),
      ],
      ['an object is replaced', async (storage: Storage, prefix: string) => storage.put(`${prefix}there`, text('y'))],
      [
        'an object is created far below',
        async (storage: Storage, prefix: string) => storage.put(`${prefix}a/b/c/d`, text('x')),
      ],
      [
        'an object of a long name is created',
        async (storage: Storage, prefix: string) => storage.put(`${prefix}${'long'.repeat(120)}`, text('x')),
      ],
      [
        'the object that the prefix itself names is created',
        async (storage: Storage, prefix: string) => storage.put(prefix, text('x')),
      ],
    ])('tells that %s, by this client or another', async (_name, change) => {
      for (const writer of [suite.storage, await suite.openAnother()]) {
        const prefix = suite.freshPrefix();
        await suite.storage.put(`${prefix}there`, text('x'));
        const told = changes();
        const watch = await watching().watch(prefix, told.onChange);
        const next = told.next();
        await change(writer, prefix);
        expect(await next).toBeGreaterThan(0);
        await watch.close();
      }
    });

    it('works where nothing is yet', async () => {
      const prefix = `${suite.freshPrefix()}not/there/yet/`;
      const told = changes();
      const watch = await watching().watch(prefix, told.onChange);
      const next = told.next();
      await (await suite.openAnother()).put(`${prefix}deep/down/object`, text('x'));
      expect(await next).toBeGreaterThan(0);
      await watch.close();
    });

    it('goes on when everything below was deleted', async () => {
      const other = await suite.openAnother();
      const prefix = `${suite.freshPrefix()}emptied/`;
      const told = changes();
      const watch = await watching().watch(prefix, told.onChange);
      for (let round = 0; round < 5; round++) {
        const next = told.next();
        await other.put(`${prefix}sub/object`, text('x'));
        await next;
        await other.delete(`${prefix}sub/object`);
      }
      expect(told.count()).toBeGreaterThanOrEqual(5);
      await watch.close();
    });

    it('misses nothing: a reader that looks only when told sees every object', async () => {
      const other = await suite.openAnother();
      const prefix = suite.freshPrefix();
      const keys = Array.from({ length: 60 }, (_, index) => `${prefix}w${index % 7}/${index % 3}/${index}`);
      const seen = new Set<string>();
      let looking = Promise.resolve();
      const look = (): void => {
        const former = looking;
        looking = (async () => {
          await former;
          for (const key of await listKeys(suite.storage.list(prefix))) seen.add(key);
        })();
      };
      const watch = await watching().watch(prefix, look);
      await Promise.all(keys.map((key, index) => (index % 2 === 0 ? other : suite.storage).put(key, text('x'))));
      await eventually(`all objects to be seen, ${keys.length} wanted`, patienceMs, async () => {
        await looking;
        return seen.size === keys.length ? true : undefined;
      });
      await watch.close();
      expect(seen.size).toBe(keys.length);
    });

    it('tells all who watch, and a listener that throws disturbs nobody', async () => {
      const prefix = suite.freshPrefix();
      const told = changes();
      const watches = [
        await watching().watch(prefix, () => {
          throw new Error('a listener’s own mistake');
        }),
        await watching().watch(prefix, told.onChange),
        await watching(await suite.openAnother()).watch(prefix, told.onChange),
      ];
      for (let round = 0; round < 3; round++) {
        const next = told.next();
        await suite.storage.put(`${prefix}object`, text(String(round)));
        await next;
      }
      expect(told.count()).toBeGreaterThanOrEqual(3);
      for (const watch of watches) await watch.close();
    });

    it('tells nothing after its close, which is idempotent', async () => {
      const prefix = suite.freshPrefix();
      const closed = changes();
      const open = changes();
      const watch = await watching().watch(prefix, closed.onChange);
      const control = await watching().watch(prefix, open.onChange);
      await watch.close();
      await watch.close();
      const before = closed.count();
      const next = open.next();
      await suite.storage.put(`${prefix}object`, text('x'));
      await next;
      expect(closed.count()).toBe(before);
      await control.close();
    });

    it('ends with its storage', async () => {
      const storage = await suite.openAnother();
      const prefix = suite.freshPrefix();
      const told = changes();
      const watch = await watching(storage).watch(prefix, told.onChange);
      await storage.close();
      const before = told.count();
      const control = changes();
      const controlWatch = await watching().watch(prefix, control.onChange);
      const next = control.next();
      await suite.storage.put(`${prefix}object`, text('x'));
      await next;
      expect(told.count()).toBe(before);
      await controlWatch.close();
      await watch.close();
    });

    it('heeds its signal', async () => {
      const reason = new Error('nothing to see');
      const watch = watching().watch(suite.freshPrefix(), () => {}, { signal: AbortSignal.abort(reason) });
      expect(await rejectionOf(watch)).toBe(reason);
    });
  });
}
