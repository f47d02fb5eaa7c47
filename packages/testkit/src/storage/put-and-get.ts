import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type StorageBody } from '@splitrock/core/plugin';
import { asText, patternBytes, readAll, rejectionOf, sameBytes, streamOf, text, codeOf } from './bytes.ts';
import type { SuiteContext } from './subject.ts';

export function putAndGetTests(suite: SuiteContext): void {
  describe('put and get', () => {
    it.each([0, 1, 255, 65_536, 300_001])('gives back an object of %i bytes', async (length) => {
      const key = `${suite.freshPrefix()}object`;
      const bytes = patternBytes(length);
      expect(await suite.storage.put(key, bytes)).toEqual({ created: true });
      expect(sameBytes(await suite.storage.get(key), bytes)).toBe(true);
      expect((await suite.storage.head(key))?.size).toBe(length);
    });

    it('gives back a large object', async () => {
      const key = `${suite.freshPrefix()}large`;
      const bytes = patternBytes(suite.options.largeObjectBytes);
      await suite.storage.put(key, bytes);
      expect(sameBytes(await suite.storage.get(key), bytes)).toBe(true);
    });

    it('replaces an object by a longer and by a shorter one', async () => {
      const key = `${suite.freshPrefix()}object`;
      for (const length of [10, 100_000, 3, suite.options.largeObjectBytes, 0, 7]) {
        const bytes = patternBytes(length, length + 1);
        expect(await suite.storage.put(key, bytes)).toEqual({ created: true });
        expect(sameBytes(await suite.storage.get(key), bytes)).toBe(true);
        expect((await suite.storage.head(key))?.size).toBe(length);
      }
    });

    it('stores the part of a buffer that a view shows', async () => {
      const key = `${suite.freshPrefix()}view`;
      const whole = patternBytes(1_000);
      await suite.storage.put(key, whole.subarray(100, 200));
      expect(sameBytes(await suite.storage.get(key), whole.subarray(100, 200))).toBe(true);
    });

    it('leaves the array to the caller once the promise settled', async () => {
      const key = `${suite.freshPrefix()}reused`;
      const bytes = patternBytes(5_000);
      const copy = bytes.slice();
      await suite.storage.put(key, bytes);
      bytes.fill(0);
      expect(sameBytes(await suite.storage.get(key), copy)).toBe(true);
    });

    it('returns an array that is the caller’s own', async () => {
      const key = `${suite.freshPrefix()}own`;
      const bytes = patternBytes(5_000);
      await suite.storage.put(key, bytes);
      (await suite.storage.get(key)).fill(0);
      (await suite.storage.get(key, { range: { offset: 10, length: 100 } })).fill(0);
      for await (const chunk of suite.storage.getStream(key)) chunk.fill(0);
      expect(sameBytes(await suite.storage.get(key), bytes)).toBe(true);
    });

    it('shows a write to another client at once', async () => {
      const other = await suite.openAnother();
      const prefix = suite.freshPrefix();
      for (let round = 0; round < 20; round++) {
        const [writer, reader] = round % 2 === 0 ? [suite.storage, other] : [other, suite.storage];
        await writer.put(`${prefix}object`, text(`round ${round}`));
        expect(asText(await reader.get(`${prefix}object`))).toBe(`round ${round}`);
      }
    });

    it('rejects a get of what is not there with STORAGE_OBJECT_NOT_FOUND', async () => {
      const error = await rejectionOf(suite.storage.get(`${suite.freshPrefix()}missing`));
      expect(codeOf(error)).toBe('STORAGE_OBJECT_NOT_FOUND');
      expect(error).toMatchObject({ retryable: false });
      expect((error as Error).message).toContain('missing');
    });

    it('rejects a ranged get of what is not there as well', async () => {
      const range = { offset: 0, length: 10 };
      const error = await rejectionOf(suite.storage.get(`${suite.freshPrefix()}missing`, { range }));
      expect(codeOf(error)).toBe('STORAGE_OBJECT_NOT_FOUND');
    });
  });

  describe('put from a stream', () => {
    const bytes = patternBytes(200_000);
    it.each<[string, () => StorageBody]>([
      ['an async generator', () => streamOf(bytes, 7_001)],
      ['a Node Readable', () => Readable.from(streamOf(bytes, 7_001))],
      ['a web ReadableStream', () => Readable.toWeb(Readable.from(streamOf(bytes, 7_001)))],
      ['a stream with empty chunks', () => withEmptyChunks(bytes)],
      ['one chunk', () => streamOf(bytes, bytes.length)],
    ])('stores %s', async (_name, body) => {
      const key = `${suite.freshPrefix()}streamed`;
      expect(await suite.storage.put(key, body())).toEqual({ created: true });
      expect(sameBytes(await suite.storage.get(key), bytes)).toBe(true);
    });

    it('stores an empty stream as an empty object', async () => {
      const key = `${suite.freshPrefix()}empty`;
      await suite.storage.put(key, streamOf(new Uint8Array(0), 1));
      expect((await suite.storage.get(key)).length).toBe(0);
      expect((await suite.storage.head(key))?.size).toBe(0);
    });

    it('stores a large stream', async () => {
      const key = `${suite.freshPrefix()}large`;
      const large = patternBytes(suite.options.largeObjectBytes, 3);
      await suite.storage.put(key, streamOf(large, 300_007));
      expect(sameBytes(await readAll(suite.storage.getStream(key)), large)).toBe(true);
    });

    it('asks for a chunk only when it has taken the one before', async () => {
      const large = patternBytes(suite.options.largeObjectBytes);
      const source = streamOf(large, 100_000);
      let pending = 0;
      let mostPending = 0;
      const body: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          async next() {
            mostPending = Math.max(mostPending, ++pending);
            const next = await source.next();
            pending--;
            return next;
          },
        }),
      };
      await suite.storage.put(`${suite.freshPrefix()}calm`, body);
      expect(mostPending).toBe(1);
    });

    it.each([0, 1, 5])(
      'writes nothing and rejects with the stream’s error when it fails after %i chunks',
      async (chunks) => {
        const prefix = suite.freshPrefix();
        await suite.storage.put(`${prefix}kept`, text('kept'));
        const failure = new Error('the source broke');
        for (const key of ['new', 'kept']) {
          expect(await rejectionOf(suite.storage.put(prefix + key, failingStream(chunks, failure)))).toBe(failure);
        }
        expect(await suite.storage.head(`${prefix}new`)).toBeUndefined();
        expect(asText(await suite.storage.get(`${prefix}kept`))).toBe('kept');
      },
    );

    it('writes nothing of a large stream that fails late', async () => {
      const key = `${suite.freshPrefix()}late`;
      const failure = new Error('the source broke late');
      const chunks = Math.ceil(suite.options.largeObjectBytes / 100_000);
      expect(await rejectionOf(suite.storage.put(key, failingStream(chunks, failure, 100_000)))).toBe(failure);
      expect(await suite.storage.head(key)).toBeUndefined();
    });

    it('refuses chunks that are not bytes and writes nothing', async () => {
      const key = `${suite.freshPrefix()}strings`;
      const body = Readable.from(['not', 'bytes']) as unknown as StorageBody;
      expect(codeOf(await rejectionOf(suite.storage.put(key, body)))).toBe('ARGUMENT_INVALID');
      expect(await suite.storage.head(key)).toBeUndefined();
    });
  });
}

async function* withEmptyChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield new Uint8Array(0);
  for await (const chunk of streamOf(bytes, 50_000)) {
    yield chunk;
    yield new Uint8Array(0);
  }
}

async function* failingStream(chunks: number, failure: Error, chunkBytes = 10): AsyncGenerator<Uint8Array, void, void> {
  for (let chunk = 0; chunk < chunks; chunk++) yield new Uint8Array(chunkBytes);
  throw failure;
}
