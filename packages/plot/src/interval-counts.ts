/**
 * How many intervals (calls running, calls waiting) cover each stretch between neighbouring edges, on average.
 *
 * Between the points where anything changes the average is the exact number; over coarser, equal bins it keeps the
 * area: the sum over all stretches of count times length is the total length of the intervals either way.
 *
 * Each interval costs two searches, however many stretches it covers: whole stretches are counted by differences.
 */
export function meanCounts(
  edges: Float64Array,
  from: Float64Array,
  to: Float64Array,
  includes: (index: number) => boolean = () => true,
): Float64Array {
  const stretches = edges.length - 1;
  const whole = new Float64Array(stretches + 1);
  const partial = new Float64Array(stretches);
  for (let index = 0; index < from.length; index += 1) {
    if (includes(index)) addInterval(edges, from[index] as number, to[index] as number, whole, partial);
  }
  let covering = 0;
  return partial.map((covered, stretch) => {
    covering += whole[stretch] as number;
    return covering + covered / lengthOf(edges, stretch);
  });
}

function addInterval(edges: Float64Array, from: number, to: number, whole: Float64Array, partial: Float64Array): void {
  if (to <= from) return;
  const first = stretchAt(edges, from);
  const last = stretchAt(edges, to);
  if (first === last) {
    partial[first] = (partial[first] as number) + to - from;
    return;
  }
  partial[first] = (partial[first] as number) + (edges[first + 1] as number) - from;
  partial[last] = (partial[last] as number) + to - (edges[last] as number);
  whole[first + 1] = (whole[first + 1] as number) + 1;
  whole[last] = (whole[last] as number) - 1;
}

const lengthOf = (edges: Float64Array, stretch: number): number =>
  (edges[stretch + 1] as number) - (edges[stretch] as number);

/** The stretch that holds a time: the last one that begins at or before it. */
export function stretchAt(edges: Float64Array, time: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] as number) <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Every different time in the columns, ascending, if there are at most `limit`; else `undefined`. */
export function changePoints(columns: readonly Float64Array[], limit: number): Float64Array | undefined {
  const times = new Set<number>();
  for (const column of columns) {
    for (const time of column) {
      times.add(time);
      if (times.size > limit) return undefined;
    }
  }
  return Float64Array.from(times).sort();
}

/** `bins` equal stretches from 0 to `end`. */
export function equalEdges(end: number, bins: number): Float64Array {
  return Float64Array.from({ length: bins + 1 }, (_, index) => (index === bins ? end : (index * end) / bins));
}

/** The largest number of intervals at one moment; one that ends when another begins does not count with it. */
export function peakCount(from: Float64Array, to: Float64Array): number {
  const begins = from.toSorted();
  const ends = to.toSorted();
  let ended = 0;
  let peak = 0;
  for (const [begun, begin] of begins.entries()) {
    while ((ends[ended] as number) <= begin && ended < begun) ended += 1;
    peak = Math.max(peak, begun + 1 - ended);
  }
  return peak;
}
