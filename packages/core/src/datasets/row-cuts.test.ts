import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeOf } from './cuts.ts';
import { findRowStart, overlapsItself } from './row-cuts.ts';
import { Flattened, splitRows } from './rows.ts';

/** Rows as they are by definition: newlines are matched from the first byte on. */
function rowsOf(content: Buffer, newline: Buffer): Buffer[] {
  const rows: Buffer[] = [];
  let from = 0;
  for (let at = content.indexOf(newline); at >= 0; at = content.indexOf(newline, from)) {
    rows.push(content.subarray(from, at));
    from = at + newline.length;
  }
  if (from < content.length) rows.push(content.subarray(from));
  return rows;
}

async function* chunksOf(content: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
}

interface Case {
  readonly content: Buffer;
  readonly newline: Buffer;
  readonly parts: number;
  readonly firstReadBytes: number;
  readonly chunkBytes: number;
}

/** What the parts of an object are, cut as a partition cuts itself. */
async function cutIntoParts({ content, newline, parts, firstReadBytes }: Case): Promise<Buffer[]> {
  const size = content.length;
  const reads: { offset: number; length: number }[] = [];
  const read = async (offset: number, length: number): Promise<Buffer> => {
    reads.push({ offset, length });
    return content.subarray(offset, offset + length);
  };
  const pieces: Buffer[] = [];
  for (let index = 0; index < parts; index += 1) {
    const { start, end } = rangeOf(size, parts, index, undefined);
    const options = { read, size, newline, firstReadBytes };
    const first = await findRowStart(start, end, options);
    const last = first === undefined ? 0 : ((await findRowStart(end, Infinity, options)) as number);
    pieces.push(first === undefined ? Buffer.alloc(0) : content.subarray(first, last));
  }
  // Readers refuse reads past the end: an object that gives less than it has is one that was changed.
  expect(reads.every(({ offset, length }) => offset >= 0 && length > 0 && offset + length <= size)).toBe(true);
  return pieces;
}

const NEWLINES = ['\n', '\r\n', '\n\n', '\0', 'aba', 'aa', 'aabaa', '—', '\r\n\r\n', 'newline'].map((text) =>
  Buffer.from(text),
);

/** Content that is made of newlines, their pieces, and few other bytes: whatever can go wrong at a cut does. */
const anyCase: fc.Arbitrary<Case> = fc.constantFrom(...NEWLINES).chain((newline) => {
  const piece = fc.oneof(
    fc.constant(newline),
    fc.nat(newline.length - 1).map((length) => newline.subarray(0, length)),
    fc.nat(newline.length - 1).map((from) => newline.subarray(from)),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('a', 'ab', '\n', '\r', '', 'ä', '😀').map((text) => Buffer.from(text)),
  );
  return fc
    .record({
      content: fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.concat(pieces)),
      parts: fc.integer({ min: 1, max: 12 }),
      firstReadBytes: fc.integer({ min: 1, max: 20 }),
      chunkBytes: fc.integer({ min: 1, max: 9 }),
    })
    .map((rest) => ({ ...rest, newline, parts: Math.max(1, Math.min(rest.parts, rest.content.length)) }));
});

describe('parts that are cut at rows', () => {
  it('are the object together, and have every row once, in order, wherever they were planned to be cut', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        const { content, newline, chunkBytes } = given;
        const pieces = await cutIntoParts(given);
        expect(Buffer.concat(pieces).equals(content)).toBe(true);
        const rows: string[] = [];
        for (const piece of pieces) {
          const asText = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to);
          for await (const row of new Flattened(splitRows(chunksOf(piece, chunkBytes), newline, asText)))
            rows.push(row);
        }
        expect(rows).toEqual(rowsOf(content, newline).map((row) => row.toString('latin1')));
      }),
      { numRuns: 3_000 },
    );
  });

  it('have the rows that start in their range', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        const { content, newline, parts } = given;
        let start = 0;
        const starts = rowsOf(content, newline).map((row) => {
          const from = start;
          start += row.length + newline.length;
          return from;
        });
        const pieces = await cutIntoParts(given);
        for (const [index, piece] of pieces.entries()) {
          const range = rangeOf(content.length, parts, index, undefined);
          const expected = starts.filter((from) => from >= range.start && from < range.end);
          expect(rowsOf(piece, newline)).toHaveLength(expected.length);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('look no further back than they must among newlines that overlap', async () => {
    const newline = Buffer.from('\n\n');
    const content = Buffer.concat([Buffer.from('head'), Buffer.alloc(1_001, '\n'), Buffer.from('tail')]);
    const pieces = await cutIntoParts({ content, newline, parts: 40, firstReadBytes: 3, chunkBytes: 1 });
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    const rows = pieces.flatMap((piece) => rowsOf(piece, newline));
    expect(rows.map((row) => row.toString())).toEqual(['head', ...Array.from({ length: 499 }, () => ''), '\ntail']);
  });
});

describe('overlapsItself', () => {
  it.each([
    ['\n', false],
    ['\r\n', false],
    ['\n\n', true],
    ['aba', true],
    ['abab', true],
    ['rowend', false],
    ['nn', true],
    ['\r\n\r\n', true],
  ])('of %j is %s', (text, expected) => {
    expect(overlapsItself(Buffer.from(text))).toBe(expected);
  });
});

describe('Flattened', () => {
  async function* batches(): AsyncGenerator<number[], void, void> {
    yield [1, 2];
    yield [];
    yield [3];
    throw new Error('broken');
  }

  it('gives items in order, also to whoever asks ahead, and then the error of their source', async () => {
    const items = new Flattened(batches());
    const asked = [items.next(), items.next(), items.next(), items.next()];
    expect((await Promise.all(asked.slice(0, 3))).map(({ value }) => value)).toEqual([1, 2, 3]);
    await expect(asked[3]).rejects.toThrow('broken');
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  it('ends its source when it is left early', async () => {
    let ended = false;
    const source = async function* (): AsyncGenerator<number[], void, void> {
      try {
        yield [1, 2, 3];
      } finally {
        ended = true;
      }
    };
    for await (const item of new Flattened(source())) if (item === 2) break;
    expect(ended).toBe(true);
  });
});
