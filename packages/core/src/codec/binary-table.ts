/**
 * Binary data of a message: which bytes travel, and which views share them.
 *
 * An ArrayBuffer that is itself in the graph travels whole. Otherwise only what its views cover does: one range for all
 * typed arrays and DataViews on it, so that they keep sharing, but each Buffer alone unless it overlaps another view,
 * because a small Buffer lies in a pool together with the bytes of strangers.
 */
import { SEGMENT_ALIGNMENT, MAX_INLINE_BYTES, VIEW_CLASSES, type ViewClassName } from './format.ts';
import type { ByteWriter } from './byte-writer.ts';

export const PLACE = { inline: 0, segment: 1, resizableInline: 2, resizableSegment: 3 } as const;

interface View {
  readonly index: number;
  readonly kind: ViewClassName;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Elements; bytes for a DataView. */
  readonly length: number;
}

interface Source {
  readonly buffer: ArrayBuffer;
  /** Where the whole buffer stands among the ArrayBuffers of the graph. */
  wholeIndex: number | undefined;
  readonly views: View[];
}

/** A range of one ArrayBuffer that becomes one ArrayBuffer on the other side. */
interface Range {
  readonly source: Source;
  readonly start: number;
  end: number;
  /** Where bytes begin that a view covers; before it come zeros, for the sake of alignment. */
  covered: number;
  readonly views: View[];
}

export class BinaryTable {
  readonly #sources = new Map<ArrayBuffer, Source>();
  #buffers = 0;
  #views = 0;

  /** Index by which a node refers to the whole buffer. */
  addBuffer(buffer: ArrayBuffer): number {
    const source = this.#source(buffer);
    source.wholeIndex ??= this.#buffers++;
    return source.wholeIndex;
  }

  /** Index by which a node refers to the view. */
  addView(view: ArrayBufferView<ArrayBuffer>, kind: ViewClassName): number {
    const { byteOffset, byteLength } = view;
    const length = 'length' in view ? (view.length as number) : byteLength;
    this.#source(view.buffer).views.push({ index: this.#views, kind, byteOffset, byteLength, length });
    return this.#views++;
  }

  /** Writes the table and returns what goes into segments, in order. */
  write(out: ByteWriter): readonly Uint8Array[] {
    const ranges = [...this.#sources.values()].flatMap(rangesOf);
    // Whole buffers come first, in the order of their indices: a node's index is then the range's number.
    ranges.sort((a, b) => (a.source.wholeIndex ?? Infinity) - (b.source.wholeIndex ?? Infinity) || 0);
    const segments: Uint8Array[] = [];
    out.varint(ranges.length);
    for (const range of ranges) writeRange(out, range, segments);
    const views: { view: View; range: Range; number: number }[] = [];
    for (const [number, range] of ranges.entries()) {
      for (const view of range.views) views[view.index] = { view, range, number };
    }
    out.varint(views.length);
    for (const { view, range, number } of views) {
      out.byte(VIEW_CLASSES.indexOf(view.kind));
      out.varint(number);
      out.varint(view.byteOffset - range.start);
      out.varint(view.length);
    }
    return segments;
  }

  #source(buffer: ArrayBuffer): Source {
    let source = this.#sources.get(buffer);
    if (source === undefined) this.#sources.set(buffer, (source = { buffer, wholeIndex: undefined, views: [] }));
    return source;
  }
}

function rangesOf(source: Source): Range[] {
  if (source.wholeIndex !== undefined) {
    return [{ source, start: 0, end: source.buffer.byteLength, covered: 0, views: source.views }];
  }
  const ranges: Range[] = source.views
    .filter((view) => view.kind === 'Buffer')
    .map((view) => rangeOver(source, [view]));
  const others = source.views.filter((view) => view.kind !== 'Buffer');
  if (others.length > 0) ranges.push(rangeOver(source, others));
  return mergeOverlapping(ranges);
}

function rangeOver(source: Source, views: View[]): Range {
  let covered = Infinity;
  let end = 0;
  for (const view of views) {
    covered = Math.min(covered, view.byteOffset);
    end = Math.max(end, view.byteOffset + view.byteLength);
  }
  const onlyBytes = views.every((view) => view.kind === 'Buffer');
  const start = onlyBytes ? covered : Math.floor(covered / SEGMENT_ALIGNMENT) * SEGMENT_ALIGNMENT;
  return { source, start, end, covered, views };
}

function mergeOverlapping(ranges: Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges.sort((a, b) => a.covered - b.covered || a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || range.covered >= last.end) merged.push(range);
    else merged[merged.length - 1] = rangeOver(range.source, [...last.views, ...range.views]);
  }
  return merged;
}

function writeRange(out: ByteWriter, range: Range, segments: Uint8Array[]): void {
  const { source, start, end, covered } = range;
  const buffer = source.buffer as ArrayBuffer & { readonly resizable?: boolean; readonly maxByteLength?: number };
  const byteLength = end - start;
  const inline = byteLength <= MAX_INLINE_BYTES;
  const resizable = buffer.resizable === true;
  if (resizable) out.byte(inline ? PLACE.resizableInline : PLACE.resizableSegment);
  else out.byte(inline ? PLACE.inline : PLACE.segment);
  out.varint(byteLength);
  if (resizable) out.varint(buffer.maxByteLength as number);
  let bytes = new Uint8Array(buffer, start, byteLength);
  if (covered > start) {
    bytes = bytes.slice();
    bytes.fill(0, 0, covered - start);
  }
  if (inline) out.bytes(bytes);
  else segments.push(bytes);
}
