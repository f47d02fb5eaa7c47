import { describe, expect, it } from 'vitest';
import { asText, patternBytes, readAll, rejectionOf, sameBytes, streamOf, text, codeOf } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

export function concurrencyTests(suite: SuiteContext): void {
  describe('ifAbsent', () => {
    it('creates what is not there and leaves what is', async () => {
      const key = `${suite.freshPrefix()}once`;
      expect(await suite.storage.put(key, text('first'), { ifAbsent: true })).toEqual({ created: true });
      expect(await suite.storage.put(key, text('second'), { ifAbsent: true })).toEqual({ created: false });
      expect(await suite.storage.put(key, streamOf(text('third'), 2), { ifAbsent: true })).toEqual({ created: false });
      expect(asText(await suite.storage.get(key))).toBe('first');
      expect(await suite.storage.put(key, text('fourth'), { ifAbsent: false })).toEqual({ created: true });
      expect(asText(await suite.storage.get(key))).toBe('fourth');
    });

    it('creates large objects and streams', async () => {
      const prefix = suite.freshPrefix();
      const large = patternBytes(suite.options.largeObjectBytes, 5);
      expect(await suite.storage.put(`${prefix}a`, large, { ifAbsent: true })).toEqual({ created: true });
      const streamed = await suite.storage.put(`${prefix}b`, streamOf(large, 1_000_003), { ifAbsent: true });
      expect(streamed).toEqual({ created: true });
      for (const name of ['a', 'b']) expect(sameBytes(await suite.storage.get(prefix + name), large)).toBe(true);
      expect(await suite.storage.put(`${prefix}a`, streamOf(large, 1_000_003), { ifAbsent: true })).toEqual({
        created: false,
      });
    });

    it.each([
      ['small', 10],
      ['large', undefined],
    ])('lets exactly one of many racing writers of %s objects win', async (_name, bytes) => {
      const clients = [suite.storage, await suite.openAnother(), await suite.openAnother()];
      const length = bytes ?? suite.options.largeObjectBytes;
      const writers = bytes === undefined ? 4 : 24;
      for (let round = 0; round < (bytes === undefined ? 1 : 5); round++) {
        const key = `${suite.freshPrefix()}raced`;
        const bodies = Array.from({ length: writers }, (_, writer) => patternBytes(length, writer + 1));
        const results = await Promise.all(
          bodies.map((body, writer) => (clients[writer % 3] ?? suite.storage).put(key, body, { ifAbsent: true })),
        );
        const winners = results.flatMap(({ created }, writer) => (created ? [writer] : []));
        expect(winners).toHaveLength(1);
        expect(sameBytes(await suite.storage.get(key), bodies[winners[0] as number] as Uint8Array)).toBe(true);
      }
    });
  });

  describe('atomic writes', () => {
    it('end with one of the racing writers’ objects, whole', async () => {
      const other = await suite.openAnother();
      const key = `${suite.freshPrefix()}raced`;
      const bodies = Array.from({ length: 8 }, (_, writer) => patternBytes(200_000 + writer, writer + 1));
      await Promise.all(bodies.map((body, writer) => (writer % 2 === 0 ? suite.storage : other).put(key, body)));
      const last = await suite.storage.get(key);
      expect(bodies.filter((body) => sameBytes(body, last))).toHaveLength(1);
    });

    it('show readers a whole object, old or new, whatever way they read', async () => {
      const other = await suite.openAnother();
      const key = `${suite.freshPrefix()}changing`;
      // Every version has its own length, and one byte value throughout.
      const version = (number: number): Uint8Array => new Uint8Array(300_000 + number).fill(number);
      await suite.storage.put(key, version(0));
      const stop = new AbortController();
      const writing = (async () => {
        for (let number = 1; !stop.signal.aborted; number = (number + 1) % 200) await other.put(key, version(number));
      })();
      const checkWhole = (bytes: Uint8Array): void => {
        expect(sameBytes(bytes, version(bytes[0] as number))).toBe(true);
      };
      try {
        for (let round = 0; round < 15; round++) {
          checkWhole(await suite.storage.get(key));
          const part = await suite.storage.get(key, { range: { offset: 290_000 } });
          checkWhole(
            new Uint8Array(290_000 + part.length).fill(part[0] as number).fill(part.at(-1) as number, 290_000),
          );
          const streamed = await readAll(suite.storage.getStream(key)).catch((error: unknown) => {
            expect(codeOf(error)).toBe('STORAGE_OBJECT_CHANGED');
            return undefined;
          });
          if (streamed !== undefined) checkWhole(streamed);
          expect((await suite.storage.head(key))?.size).toBeGreaterThanOrEqual(300_000);
        }
      } finally {
        stop.abort();
        await writing;
      }
    });
  });

  describe('limits', () => {
    it('says what it takes', () => {
      expect(suite.storage.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(suite.storage.limits.maxObjectBytes).toBeGreaterThanOrEqual(1024 * 1024);
    });

    it('refuses larger objects where the limit can be reached here', async (context) => {
      const { maxObjectBytes } = suite.storage.limits;
      if (maxObjectBytes > 64 * 1024 * 1024) context.skip(`the limit is ${maxObjectBytes} bytes`);
      const key = `${suite.freshPrefix()}huge`;
      const huge = new Uint8Array(maxObjectBytes + 1);
      for (const body of [huge, streamOf(huge, 1_000_000)]) {
        const error = await rejectionOf(suite.storage.put(key, body));
        expect(codeOf(error)).toBe('STORAGE_OBJECT_TOO_LARGE');
        expect(await suite.storage.head(key)).toBeUndefined();
      }
      await suite.storage.put(key, huge.subarray(1));
      expect((await suite.storage.head(key))?.size).toBe(maxObjectBytes);
      await suite.storage.delete(key);
    });
  });
}
