/**
 * Where a part of an object really begins: at the first row that starts at or after the planned byte.
 *
 * Two neighbouring parts ask the same question about the same byte and get the same answer, so that whatever the planned
 * bytes are, the parts together are the object, and every row is in the part in which it starts. A row starts at byte 0
 * and after each newline; newlines are matched from the object's first byte on and do not overlap.
 *
 * One that can overlap itself (`\n\n` in three line ends) makes the answer depend on what came before. Then the search
 * begins at a place that no occurrence straddles: from there, matching gives the same as from byte 0.
 */

/** Reads bytes of an object: fewer than `length` only at its end. */
export type ReadBytes = (offset: number, length: number) => Promise<Buffer>;

export interface RowCutOptions {
  readonly read: ReadBytes;
  readonly size: number;
  /** At least one byte. */
  readonly newline: Buffer;
  /** Bytes of the first read; later ones are larger. @defaultValue 16 KiB */
  readonly firstReadBytes?: number;
}

const FIRST_READ_BYTES = 16 * 1024;
const MAX_READ_BYTES = 4 * 1024 * 1024;

/**
 * The first row start at or after `position`, or the size if no row starts there any more; `undefined` if there is none
 * before `limit`, beyond which nothing is looked at.
 */
export async function findRowStart(
  position: number,
  limit: number,
  options: RowCutOptions,
): Promise<number | undefined> {
  const { read, size, newline, firstReadBytes = FIRST_READ_BYTES } = options;
  if (position === 0) return 0;
  if (position >= size) return size;
  const earliest = Math.max(0, position - newline.length);
  let from = overlapsItself(newline) ? await unstraddledPlace(earliest, options) : earliest;
  let length = Math.max(firstReadBytes, 2 * newline.length);
  // A row that starts before the limit follows a newline that ends before it.
  const searchEnd = Math.min(size, limit - 1);
  while (from < searchEnd) {
    const window = await read(from, Math.min(length, searchEnd - from));
    const offset = from;
    let searched = 0;
    for (let at = window.indexOf(newline); at >= 0; at = window.indexOf(newline, searched)) {
      searched = at + newline.length;
      if (offset + searched >= position) return offset + searched;
    }
    from = offset + Math.max(searched, window.length - newline.length + 1);
    if (offset + window.length >= searchEnd) break;
    length = Math.min(MAX_READ_BYTES, length * 2);
  }
  return limit > size ? size : undefined;
}

/** Whether two occurrences can overlap: a proper beginning of the bytes is also their end. */
export function overlapsItself(newline: Buffer): boolean {
  for (let length = 1; length < newline.length; length += 1) {
    if (newline.subarray(0, length).equals(newline.subarray(newline.length - length))) return true;
  }
  return false;
}

/** The last place up to `position` that no occurrence straddles. */
async function unstraddledPlace(
  position: number,
  { read, newline, firstReadBytes = FIRST_READ_BYTES }: RowCutOptions,
): Promise<number> {
  const reach = newline.length - 1;
  let place = position;
  let step = Math.max(firstReadBytes, 4 * newline.length);
  while (place > 0) {
    const begin = Math.max(0, place - step);
    const window = await read(begin, place + reach - begin);
    for (;;) {
      // Occurrences that straddle the place begin in the bytes just before it.
      const at = window.lastIndexOf(newline, place - 1 - begin);
      if (at < 0 || begin + at < place - reach) {
        if (place - reach >= begin || begin === 0) return place;
        break;
      }
      place = begin + at;
      if (place === begin) break;
    }
    step = Math.min(MAX_READ_BYTES, step * 2);
  }
  return 0;
}
