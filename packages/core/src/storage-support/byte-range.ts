/** The meaning of a {@link ByteRange}, once for all stores. */
import { InvalidArgumentError } from '../errors/splitrock-error.ts';
import type { ByteRange } from '../contracts/storage.ts';

/**
 * Refuses ranges that have no meaning. Past the end is no error; see {@link resolveByteRange}.
 * @throws InvalidArgumentError `ARGUMENT_INVALID`.
 */
export function checkByteRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { offset, length } = range;
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      `Byte range is not valid [offset=${offset}]; offsets are integers from 0.`,
    );
  }
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 1)) {
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      `Byte range is not valid [length=${length}]; lengths are integers from 1.`,
    );
  }
}

/** The part of an object of `size` bytes that a checked range means: `start` inclusive, `end` exclusive. */
export function resolveByteRange(range: ByteRange | undefined, size: number): { start: number; end: number } {
  const start = Math.min(range?.offset ?? 0, size);
  const end = range?.length === undefined ? size : Math.min(start + range.length, size);
  return { start, end };
}
