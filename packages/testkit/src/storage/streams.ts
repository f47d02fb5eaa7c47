import { describe, expect, it } from 'vitest';
import { patternBytes, readAll, rejectionOf, sameBytes, text, codeOf } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

export function streamTests(suite: SuiteContext): void {
  describe('getStream', () => {
    it('yields non-empty chunks only', async () => {
      const key = `${suite.freshPrefix()}large`;
      const bytes = patternBytes(suite.options.largeObjectBytes);
      await suite.storage.put(key, bytes);
      const chunks: Uint8Array[] = [];
      for await (const chunk of suite.storage.getStream(key)) chunks.push(chunk);
      expect(chunks.every((chunk) => chunk instanceof Uint8Array && chunk.length > 0)).toBe(true);
      expect(sameBytes(Buffer.concat(chunks), bytes)).toBe(true);
    });

    it('yields no chunk of an empty object', async () => {
      const key = `${suite.freshPrefix()}empty`;
      await suite.storage.put(key, new Uint8Array(0));
      const chunks: Uint8Array[] = [];
      for await (const chunk of suite.storage.getStream(key)) chunks.push(chunk);
      expect(chunks).toEqual([]);
    });

    it('fails the first next() when there is no such object', async () => {
      const iterator = suite.storage.getStream(`${suite.freshPrefix()}missing`)[Symbol.asyncIterator]();
      expect(codeOf(await rejectionOf(iterator.next()))).toBe('STORAGE_OBJECT_NOT_FOUND');
    });

    it('reads nothing before the first chunk is asked for', async () => {
      const key = `${suite.freshPrefix()}later`;
      const stream = suite.storage.getStream(key);
      await suite.storage.put(key, text('written after getStream'));
      expect(sameBytes(await readAll(stream), text('written after getStream'))).toBe(true);
    });

    it('frees what it holds when the iteration is left early, or never begun', async () => {
      const key = `${suite.freshPrefix()}left`;
      // More than the buffers between here and the store hold, so that something is left to be freed.
      await suite.storage.put(key, patternBytes(3_000_000));
      // More than any pool of connections that a client may have.
      for (let round = 0; round < 80; round++) {
        suite.storage.getStream(key);
        for await (const chunk of suite.storage.getStream(key)) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
      }
      expect((await suite.storage.head(key))?.size).toBe(3_000_000);
    });

    it.each(['replaced', 'deleted'])(
      'yields the old bytes or fails when the object is %s meanwhile',
      async (change) => {
        const other = await suite.openAnother();
        const key = `${suite.freshPrefix()}changing`;
        const old = patternBytes(suite.options.largeObjectBytes, 1);
        await suite.storage.put(key, old);
        const iterator = suite.storage.getStream(key)[Symbol.asyncIterator]();
        const chunks = [(await iterator.next()).value as Uint8Array];
        await (change === 'replaced' ? other.put(key, patternBytes(old.length, 2)) : other.delete(key));
        try {
          for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
            chunks.push(next.value);
          expect(sameBytes(Buffer.concat(chunks), old)).toBe(true);
        } catch (error) {
          const codes = ['STORAGE_OBJECT_CHANGED', ...(change === 'deleted' ? ['STORAGE_OBJECT_NOT_FOUND'] : [])];
          expect(codes).toContain((error as { code?: unknown }).code);
          const got = Buffer.concat(chunks);
          expect(sameBytes(got, old.subarray(0, got.length))).toBe(true);
        }
      },
    );

    it('can be read by many at once', async () => {
      const key = `${suite.freshPrefix()}shared`;
      const bytes = patternBytes(500_000);
      await suite.storage.put(key, bytes);
      const copies = await Promise.all(Array.from({ length: 8 }, () => readAll(suite.storage.getStream(key))));
      expect(copies.every((copy) => sameBytes(copy, bytes))).toBe(true);
    });
  });
}
