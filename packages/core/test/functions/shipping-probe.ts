/**
 * Times the shipping of one function in a process of its own, where nothing has been captured before, and prints the times.
 * Imported by the programs that the benchmark of functions writes. Lives here because the shipper is not exported.
 */
import { silentLogger } from '../../src/contracts/logger.ts';
import type { AnyFunction } from '../../src/functions/capture-options.ts';
import { FunctionShipper } from '../../src/functions/ship-function.ts';

/**
 * Captures and bundles `1 + repetitions` times; prints JSON with the seconds of each, in order.
 * @param make - Gives the function for each turn: the same, or one made anew as in `map((n) => n * factor, …)`.
 */
export async function probe(make: (turn: number) => AnyFunction, repetitions: number): Promise<void> {
  const shipper = new FunctionShipper({ logger: silentLogger });
  const capture: number[] = [];
  const bundle: number[] = [];
  for (let n = 0; n <= repetitions; n += 1) {
    const fn = make(n);
    capture.push(await secondsOf(() => shipper.capture(fn)));
  }
  const captured = shipper.capture(make(0));
  for (let n = 0; n <= repetitions; n += 1) bundle.push(await secondsOf(() => shipper.ship(captured)));
  const { artifact, environment } = await shipper.ship(captured);
  console.log(
    JSON.stringify({ capture, bundle, artifactBytes: artifact.length, environmentBytes: environment.length }),
  );
}

async function secondsOf(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
