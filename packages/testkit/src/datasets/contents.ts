/** Objects that are hard to cut into parts, and what a reader must make of them. */
import fc from 'fast-check';
import type { DataSet, Partition } from '@splitrock/core/plugin';
import { objects, type DataSource, type ObjectsOptions } from '@splitrock/core/plugin';

export interface CutCase {
  readonly content: Buffer;
  readonly newline: Buffer;
  readonly cut: Pick<ObjectsOptions, 'chunkBytes' | 'chunks'>;
}

/** Some overlap themselves, some are one character of several bytes, some begin with what lines of text end with. */
const NEWLINES = ['\n', '\r\n', '\n\n', '\0', '—', 'aba', '\r\n\r\n'].map((text) => Buffer.from(text));
const TEXTS = ['', 'a', 'row', '\r', '\n', 'ä', '—', '😀', 'ab', '\ufeff', '0123456789abcdef'];

/**
 * Contents of newlines, halves of newlines, characters of several bytes and bytes that are no text at all, from nothing to
 * a few hundred bytes; cut into up to a dozen parts.
 */
export const cutCases: fc.Arbitrary<CutCase> = fc.constantFrom(...NEWLINES).chain((newline) => {
  const piece = fc.oneof(
    fc.constant(newline),
    fc.nat(newline.length).map((length) => newline.subarray(0, length)),
    fc.nat(newline.length).map((from) => newline.subarray(from)),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(...TEXTS).map((text) => Buffer.from(text)),
  );
  return fc
    .record({
      pieces: fc.array(piece, { maxLength: 60 }),
      parts: fc.integer({ min: 1, max: 12 }),
      bySize: fc.boolean(),
    })
    .map(({ pieces, parts, bySize }) => {
      const content = Buffer.concat(pieces);
      const chunkBytes = Math.max(1, Math.ceil(content.length / parts));
      return { content, newline, cut: bySize ? { chunkBytes } : { chunks: parts } };
    });
});

/** What everybody trips over, by name. */
export const CUT_EXAMPLES: readonly (readonly [name: string, content: Buffer, newline: string])[] = [
  ['no byte', Buffer.alloc(0), '\n'],
  ['one byte', Buffer.from('x'), '\n'],
  ['only a newline', Buffer.from('\n'), '\n'],
  ['no newline at the end', Buffer.from('aaaa\nbbbb\ncccc'), '\n'],
  ['a newline at the end', Buffer.from('aaaa\nbbbb\ncccc\n'), '\n'],
  ['lines that end with \\r\\n', Buffer.from('aaaa\r\nbbbb\r\n\r\ncccc'), '\r\n'],
  ['empty rows', Buffer.from('\n\n\na\n\n\n'), '\n'],
  ['characters of several bytes', Buffer.from('ä😀\nöö\n😀😀😀'), '\n'],
  ['a newline of several bytes', Buffer.from('one—two——three'), '—'],
  ['newlines that overlap', Buffer.from('a\n\n\nb\n\n\n\nc'), '\n\n'],
  ['no newline at all', Buffer.from('a'.repeat(100)), '\n'],
];

/** Rows as they are by definition: newlines are matched from the first byte on. */
export function rowsOf(content: Buffer, newline: Buffer): Buffer[] {
  const rows: Buffer[] = [];
  let from = 0;
  for (let at = content.indexOf(newline); at >= 0; at = content.indexOf(newline, from)) {
    rows.push(content.subarray(from, at));
    from = at + newline.length;
  }
  if (from < content.length) rows.push(content.subarray(from));
  return rows;
}

/**
 * Reads an object part by part and says what is wrong: `undefined` if the parts together are the object, by rows and by
 * bytes, and have every row once, in order.
 */
export async function troubleWithParts(
  source: DataSource,
  { content, newline, cut }: CutCase,
  partitions: (dataSet: DataSet) => AsyncIterable<Partition>,
): Promise<string | undefined> {
  const joined: Uint8Array[] = [];
  const rows: Buffer[] = [];
  for await (const part of partitions(objects(source, { ...cut, newline }))) {
    joined.push(await part.bytes());
    for await (const row of part.rows()) rows.push(Buffer.from(row));
  }
  if (!Buffer.concat(joined).equals(content)) return 'the parts that are cut at rows are not the object';
  if (!sameRows(rows, rowsOf(content, newline))) return 'the rows of the parts are not the rows of the object';
  const bytes: Uint8Array[] = [];
  for await (const part of partitions(objects(source, { ...cut, newline: null }))) bytes.push(await part.bytes());
  return Buffer.concat(bytes).equals(content) ? undefined : 'the parts that are cut at bytes are not the object';
}

const sameRows = (left: readonly Buffer[], right: readonly Buffer[]): boolean =>
  left.length === right.length && left.every((row, index) => row.equals(right[index] as Buffer));
