/** The reader of URLs against a real server, with what servers do wrong. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { objects, type ObjectsOptions } from '@splitrock/core/plugin';
import { ObjectServer } from './object-server.ts';
import { listPartitions, readAll } from './reading.ts';

let server: ObjectServer;
beforeAll(async () => {
  server = await ObjectServer.start();
});
beforeEach(() => {
  server.reset();
  server.content = Buffer.from('first\nsecond\nthird\nfourth\nfifth\n');
});
afterAll(() => server.close());

const read = (options: ObjectsOptions = {}, url = server.url): Promise<Buffer> => readAll(objects(url, options));
const partsOf = async (options: ObjectsOptions, url = server.url) => listPartitions(objects(url, options));
const failure = async (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => expect.fail('it was read'),
    (error: unknown) => error as Error,
  );

describe('a server with ranges', () => {
  it('gives parts by ranges', async () => {
    const parts = await partsOf({ chunkBytes: 10, newline: null });
    expect(parts.map(({ range, parts: count, size }) => ({ ...range, count, size }))).toEqual([
      { start: 0, end: 10, count: 4, size: 32 },
      { start: 10, end: 20, count: 4, size: 32 },
      { start: 20, end: 30, count: 4, size: 32 },
      { start: 30, end: 32, count: 4, size: 32 },
    ]);
    expect(await parts[1]?.text()).toBe('nd\nthird\nf');
    expect(server.requests).toEqual(['bytes=0-0', 'bytes=10-19']);
  });

  it('goes on where a connection was cut half way, also when it is cut again', async () => {
    server.faults.push({ cutAfter: 16 }, { cutAfter: 10 });
    expect((await read()).equals(server.content)).toBe(true);
    expect(server.requests).toEqual(['bytes=0-0', 'all', 'bytes=16-31', 'bytes=26-31']);
  });

  it('is given up when it cuts every connection before the first byte', async () => {
    for (let cut = 0; cut < 10; cut += 1) server.faults.push({ cutAfter: 0 });
    const [part] = await partsOf({});
    expect(await failure(part?.bytes() as Promise<unknown>)).toMatchObject({
      code: 'DATASET_UNREADABLE',
      retryable: true,
    });
    expect(server.requests).toHaveLength(1 + 4);
  });

  it('may have an object that is empty', async () => {
    server.content = Buffer.alloc(0);
    const parts = await partsOf({ chunkBytes: 10 });
    expect(parts).toMatchObject([{ size: 0, part: 1, parts: 1 }]);
    expect(await parts[0]?.text()).toBe('');
  });

  it('may answer with all of it: what comes before the part is passed over', async () => {
    const parts = await partsOf({ chunkBytes: 10, newline: null });
    server.ranges = false;
    expect(await parts[1]?.text()).toBe('nd\nthird\nf');
  });

  it('may be slow', async () => {
    server.slow = true;
    expect((await read({ chunks: 3 })).equals(server.content)).toBe(true);
  });

  it('may have a weak tag, or only the time of the last change', async () => {
    server.etag = 'W/"1"';
    server.faults.push({ cutAfter: 5 });
    expect((await read()).equals(server.content)).toBe(true);
    server.etag = undefined;
    server.lastModified = 'Tue, 24 Nov 2026 00:00:00 GMT';
    server.faults.push({ cutAfter: 5 });
    expect((await read({ chunks: 2 })).equals(server.content)).toBe(true);
  });
});

describe('a server without ranges', () => {
  beforeEach(() => {
    server.ranges = false;
  });

  it('gives one part, however many were asked for', async () => {
    expect(await partsOf({ chunks: 7 })).toMatchObject([{ size: 32, part: 1, parts: 1 }]);
    expect((await read({ chunks: 7 })).equals(server.content)).toBe(true);
  });

  it('gives all of it when it does not tell the length', async () => {
    server.tellsLength = false;
    expect(await partsOf({ chunks: 7 })).toMatchObject([{ size: undefined, parts: 1, range: { start: 0 } }]);
    expect((await read({ chunks: 7 })).equals(server.content)).toBe(true);
  });

  it('is read again from the begin when a connection was cut; what came before is passed over', async () => {
    server.faults.push({ cutAfter: 16 });
    expect((await read()).equals(server.content)).toBe(true);
    expect(server.requests.slice(1)).toEqual(['all', 'bytes=16-31']);
  });

  it('is not read again when nothing tells that it is the same', async () => {
    server.etag = undefined;
    server.faults.push({ cutAfter: 16 });
    expect(await failure(read())).toMatchObject({
      code: 'DATASET_UNREADABLE',
      message: expect.stringContaining('cut'),
    });
  });
});

describe('redirects', () => {
  it('are followed, with the size and the ranges of where they lead', async () => {
    const parts = await partsOf({ chunkBytes: 10 }, `${server.origin}/redirect/3`);
    expect(parts).toHaveLength(4);
    expect((await read({ chunkBytes: 10 }, `${server.origin}/redirect/3`)).equals(server.content)).toBe(true);
  });

  it('in a circle are an error', async () => {
    expect(await failure(read({}, `${server.origin}/circle`))).toMatchObject({
      code: 'DATASET_UNREADABLE',
      message: expect.stringContaining('redirect'),
    });
  });
});

describe('a length that is wrong', () => {
  it('because the body ends early: the rest is asked for', async () => {
    server.faults.push({ bodyBytes: 20, chunked: true });
    expect((await read()).equals(server.content)).toBe(true);
    expect(server.requests.slice(1)).toEqual(['all', 'bytes=20-31']);
  });

  it('because the body ends early every time: is an error', async () => {
    server.ranges = false;
    for (let time = 0; time < 10; time += 1) server.faults.push({ bodyBytes: 20, chunked: true });
    expect(await failure(read())).toMatchObject({
      code: 'DATASET_UNREADABLE',
      details: { bytes: 20, expected: 32 },
    });
  });

  it('because the body goes on: is an error', async () => {
    server.faults.push({ bodyBytes: 40, chunked: true });
    expect(await failure(read())).toMatchObject({ code: 'DATASET_CHANGED' });
  });

  it('because a range has more than was asked for: nobody sees the rest', async () => {
    const parts = await partsOf({ chunkBytes: 10, newline: null });
    server.faults.push({ bodyBytes: 15, chunked: true });
    expect(await parts[0]?.text()).toBe('first\nseco');
  });
});

describe('statuses', () => {
  it('404 is an error before anything runs', async () => {
    expect(await failure(read({}, `${server.origin}/nothing?token=secret`))).toMatchObject({
      code: 'DATASET_NOT_FOUND',
      message: expect.not.stringContaining('secret'),
    });
  });

  it.each([401, 403])('%i is an error before anything runs', async (status) => {
    server.probeFaults.push({ status });
    expect(await failure(read())).toMatchObject({ code: 'DATASET_UNREADABLE', retryable: false, details: { status } });
  });

  it.each([500, 502, 503, 429])('%i is tried again, when planning and when reading', async (status) => {
    server.probeFaults.push({ status }, { status });
    server.faults.push({ status, headers: { 'retry-after': '0' } }, { status });
    expect((await read()).equals(server.content)).toBe(true);
    expect(server.requests).toHaveLength(6);
  });

  it('500 every time is an error, and never data', async () => {
    for (let time = 0; time < 10; time += 1) server.probeFaults.push({ status: 500 });
    expect(await failure(read())).toMatchObject({ code: 'DATASET_UNREADABLE', retryable: true });
    server.probeFaults.length = 0;
    for (let time = 0; time < 10; time += 1) server.faults.push({ status: 500 });
    expect(await failure(read())).toMatchObject({ code: 'DATASET_UNREADABLE', retryable: true });
  });

  it('404 that comes after planning is an error', async () => {
    const [part] = await partsOf({});
    server.faults.push({ status: 404 });
    expect(await failure(part?.text() as Promise<unknown>)).toMatchObject({ code: 'DATASET_NOT_FOUND' });
  });
});

describe('an object that changes after it was planned', () => {
  it.each<[string, () => void]>([
    ['and has another tag', () => (server.etag = '"2"')],
    ['and has lost its tag', () => (server.etag = undefined)],
    ['and has another size', () => (server.content = Buffer.from('short'))],
    ['and is empty', () => (server.content = Buffer.alloc(0))],
  ])('%s is an error', async (_how, change) => {
    const parts = await partsOf({ chunkBytes: 10, newline: null });
    change();
    for (const part of parts) expect(await failure(part.bytes())).toMatchObject({ code: 'DATASET_CHANGED' });
  });

  it('while a connection is cut is an error, not a mixture', async () => {
    const [part] = await partsOf({});
    server.faults.push({ cutAfter: 16 });
    const seen: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of part?.stream() ?? []) {
        seen.push(chunk);
        server.etag = '"2"';
        server.content = Buffer.alloc(32, '!');
      }
    })();
    expect(await failure(reading)).toMatchObject({ code: 'DATASET_CHANGED' });
    expect(Buffer.concat(seen).toString()).toBe('first\nsecond\nthi');
  });

  it('and was empty is an error', async () => {
    server.content = Buffer.alloc(0);
    const [part] = await partsOf({});
    server.content = Buffer.from('not empty any more');
    expect(await failure(part?.bytes() as Promise<unknown>)).toMatchObject({ code: 'DATASET_CHANGED' });
  });
});

describe('what else a URL may be', () => {
  it('with a user and a password, which only the server sees', async () => {
    const url = server.url.replace('://', '://us%20er:p%40ss@');
    const [part] = await partsOf({}, url);
    expect(part).toMatchObject({ name: server.url, url });
    await part?.bytes();
    expect(server.authorizations).toEqual(
      Array.from({ length: 2 }, () => `Basic ${Buffer.from('us er:p@ss').toString('base64')}`),
    );
    server.faults.push({ status: 403 });
    expect((await failure(part?.bytes() as Promise<unknown>)).message).not.toMatch(/p%40ss|p@ss|us.*er[:@]/);
  });

  it('sent compressed is refused: its bytes would be others', async () => {
    server.encoding = 'gzip';
    expect(await failure(read())).toMatchObject({
      code: 'DATASET_UNREADABLE',
      message: expect.stringContaining('compressed'),
    });
  });

  it('of a server that is not there', async () => {
    const gone = await ObjectServer.start();
    const { url } = gone;
    await gone.close();
    expect(await failure(read({}, url))).toMatchObject({
      code: 'DATASET_UNREADABLE',
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
