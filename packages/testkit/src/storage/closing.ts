import { describe, expect, it } from 'vitest';
import { isExpiringStorage, isPresigningStorage, isWatchableStorage } from '@splitrock/core/plugin';
import { asText, listKeys, patternBytes, readAll, rejectionOf, text, codeOf } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

export function closingTests(suite: SuiteContext): void {
  describe('close', () => {
    it('makes every method reject with ILLEGAL_STATE', async () => {
      const storage = await suite.openAnother();
      const key = `${suite.freshPrefix()}object`;
      await storage.put(key, text('kept'));
      await storage.close();
      const attempts = [
        storage.put(key, text('x')),
        storage.put(key, text('x'), { ifAbsent: true }),
        storage.get(key),
        readAll(storage.getStream(key)),
        storage.head(key),
        storage.delete(key),
        storage.deleteMany([key]),
        storage.deleteMany([]),
        listKeys(storage.list('')),
        ...(isWatchableStorage(storage) ? [storage.watch('x/', () => {})] : []),
        ...(isPresigningStorage(storage) ? [storage.presign(key, { method: 'GET', expiresInMs: 60_000 })] : []),
        ...(isExpiringStorage(storage) ? [storage.expire('x/', 60_000)] : []),
      ];
      for (const error of await Promise.all(attempts.map(rejectionOf))) {
        expect(codeOf(error)).toBe('ILLEGAL_STATE');
      }
      expect(asText(await suite.storage.get(key))).toBe('kept');
    });

    it('is idempotent, also at once', async () => {
      const storage = await suite.openAnother();
      await Promise.all([storage.close(), storage.close()]);
      expect(await storage.close()).toBeUndefined();
    });

    it('works on a storage that was never used', async () => {
      const storage = await suite.openAnother();
      expect(await storage.close()).toBeUndefined();
    });

    it('ends streams and listings that are under way', async () => {
      const storage = await suite.openAnother();
      const prefix = suite.freshPrefix();
      await storage.put(`${prefix}a`, patternBytes(suite.options.largeObjectBytes));
      await storage.put(`${prefix}b`, text('b'));
      const stream = storage.getStream(`${prefix}a`)[Symbol.asyncIterator]();
      const listing = storage.list(prefix)[Symbol.asyncIterator]();
      await Promise.all([stream.next(), listing.next()]);
      await storage.close();
      for (const next of [stream.next(), listing.next()]) {
        expect(codeOf(await rejectionOf(next))).toBe('ILLEGAL_STATE');
      }
    });
  });
}
