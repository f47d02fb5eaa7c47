/** Where objects are cut into parts, before rows are looked at. Pure. */
import type { PartitionSpec } from './partition-spec.ts';
import type { PlannedObject } from './planned-object.ts';

/** How objects are cut: at this size, or into this number; neither leaves each whole. */
export interface Cutting {
  readonly chunkBytes?: number | undefined;
  readonly chunks?: number | undefined;
  /** What rows end with, as a string of bytes (latin1); null cuts anywhere. */
  readonly newline: string | null;
}

/**
 * How many parts an object has: at least one, also if it is empty, and never more than bytes. One whose size nobody
 * tells, or that cannot be read from the middle, is one part.
 */
export function partsOf({ size, seekable }: PlannedObject, { chunkBytes, chunks }: Cutting): number {
  if (size === undefined || !seekable || size === 0) return 1;
  if (chunks !== undefined) return Math.min(chunks, size);
  return chunkBytes === undefined ? 1 : Math.ceil(size / chunkBytes);
}

/** The bytes of one of the parts, from 0: equal parts, where a number was asked for, to within a byte. */
export function rangeOf(
  size: number,
  parts: number,
  index: number,
  chunkBytes: number | undefined,
): { start: number; end: number } {
  if (chunkBytes !== undefined) return { start: index * chunkBytes, end: Math.min((index + 1) * chunkBytes, size) };
  const base = Math.floor(size / parts);
  const longer = size % parts;
  const start = index * base + Math.min(index, longer);
  return { start, end: start + base + (index < longer ? 1 : 0) };
}

/** All parts of all objects, in order; made as they are asked for, so that there may be millions. */
export function* partitionsOf(
  objects: readonly PlannedObject[],
  cutting: Cutting,
): Generator<PartitionSpec, void, void> {
  for (const object of objects) {
    const { address, size, version } = object;
    const parts = partsOf(object, cutting);
    const chunkBytes = cutting.chunks === undefined ? cutting.chunkBytes : undefined;
    for (let index = 0; index < parts; index += 1) {
      const range = parts === 1 ? { start: 0, end: size } : rangeOf(size as number, parts, index, chunkBytes);
      yield { address, size, version, part: index + 1, parts, ...range, newline: cutting.newline };
    }
  }
}
