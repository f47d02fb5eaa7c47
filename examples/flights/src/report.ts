/** What the example prints. */
import { isDeepStrictEqual } from 'node:util';
import type { PlotPaths, Reduced } from 'splitrock';
import type { Delays, DelayStatistics } from './delays.ts';

const SHOWN = 5;
/** Airports with fewer flights say little. */
const MIN_FLIGHTS = 5_000;

export class Report {
  readonly #timings: [what: string, ms: number][] = [];
  #lapBeganAtMs = Date.now();

  /** Notes how long it took since the last lap. */
  lap(what: string): void {
    const nowMs = Date.now();
    this.#timings.push([what, nowMs - this.#lapBeganAtMs]);
    this.#lapBeganAtMs = nowMs;
  }

  /** A lap that was a map-reduce, and its parts, from what the calls tell of themselves. */
  lapOf({ mapJob }: Reduced<unknown>): void {
    const beganAtMs = this.#lapBeganAtMs;
    this.lap('map and reduce, in parallel');
    const firstStartMs = Math.min(...mapJob.records().map(({ startedAtMs }) => startedAtMs));
    const mapEndMs = Math.max(...mapJob.records().map(({ finishedAtMs }) => finishedAtMs));
    this.#timings.push(
      ['  bundle the function, start workers', firstStartMs - beganAtMs],
      ['  map', mapEndMs - firstStartMs],
      ['  reduce', this.#lapBeganAtMs - mapEndMs],
    );
  }

  /** Both ways must give the same; anything else is a defect. */
  compare(parallel: DelayStatistics, alone: DelayStatistics): void {
    const flights = parallel.byHour.reduce((sum, hour) => sum + hour.flights, 0);
    const same = isDeepStrictEqual(parallel, alone);
    console.log(
      `\n${flights.toLocaleString('en')} flights; the parallel and the single-process result ${same ? 'agree' : 'DIFFER'}.`,
    );
    if (!same) process.exitCode = 1;
  }

  airports({ byAirport, byHour }: DelayStatistics): void {
    const ranked = [...byAirport]
      .filter(([, sums]) => sums.flights >= MIN_FLIGHTS)
      .toSorted((a, b) => mean(a[1]) - mean(b[1]));
    console.log(`\nAirports with at least ${MIN_FLIGHTS.toLocaleString('en')} departures:`);
    console.table(
      [...ranked.slice(0, SHOWN), ...ranked.slice(-SHOWN)].map(([airport, sums]) => ({ airport, ...row(sums) })),
    );
    console.log('By hour of departure:');
    console.table(byHour.map((sums, hour) => ({ hour, ...row(sums) })).filter(({ flights }) => flights > 0));
  }

  timings(): void {
    for (const [what, ms] of this.#timings) console.log(`${what.padEnd(44)} ${(ms / 1000).toFixed(2).padStart(7)} s`);
  }

  pictures(paths: PlotPaths): void {
    console.log(`\nTimeline of the calls: ${paths.timelinePng}\nCalls at a time:       ${paths.concurrencyPng}`);
  }
}

const mean = (sums: Delays): number => sums.minutes / sums.flights;

const row = (sums: Delays) => ({
  flights: sums.flights,
  'mean delay (min)': Number(mean(sums).toFixed(1)),
  'late (%)': Number(((100 * sums.late) / sums.flights).toFixed(1)),
});
