/** Medians of interleaved runs, and the table that shows them. */

export interface Contender {
  readonly name: string;
  /** Runs once and gives seconds. */
  run(): Promise<number>;
}

export interface Measured {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly median: number;
}

/** One warm-up of each, then `rounds` rounds in which each runs once: a change of the machine's speed meets them all. */
export async function interleaved(contenders: readonly Contender[], rounds: number): Promise<Measured[]> {
  const seconds = contenders.map((): number[] => []);
  for (const contender of contenders) await contender.run();
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) seconds[index]?.push(await contender.run());
  }
  return contenders.map(({ name }, index) => ({
    name,
    seconds: seconds[index] ?? [],
    median: median(seconds[index] ?? []),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export async function seconds(work: () => PromiseLike<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** The exponent by which `y` grows with `x`, between the first and the last point. */
export function exponent(points: readonly { readonly x: number; readonly y: number }[]): number {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return Number.NaN;
  return Math.log(last.y / first.y) / Math.log(last.x / first.x);
}

/** What a benchmark is held to, and whether this run kept it. */
export interface Verdict {
  readonly what: string;
  readonly measured: string;
  readonly bound: string;
  readonly kept: boolean;
}

/** Prints the verdicts; a bound that was missed makes the process fail. */
export function conclude(verdicts: readonly Verdict[]): void {
  console.table(
    verdicts.map(({ what, measured, bound, kept }) => ({ what, measured, bound, kept: kept ? 'yes' : 'NO' })),
  );
  if (verdicts.some(({ kept }) => !kept)) process.exitCode = 1;
}

export const milliseconds = (s: number): string => `${(s * 1000).toFixed(s < 0.01 ? 2 : 0)} ms`;
