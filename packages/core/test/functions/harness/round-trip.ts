/** Ships a function and loads it in the same process, for tests of one thing at a time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AnyFunction, CaptureOptions } from '../../../src/functions/capture-options.ts';
import { silentLogger } from '../../../src/contracts/logger.ts';
import { loadFunction, type LoadedFunction } from '../../../src/functions/load-function.ts';
import { FunctionShipper, type ShippedFunction } from '../../../src/functions/ship-function.ts';

/** A folder that goes when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-functions-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const shipper = (): FunctionShipper => new FunctionShipper({ logger: silentLogger });

export interface RoundTrip {
  readonly shipped: ShippedFunction;
  readonly loaded: LoadedFunction;
  /** Calls it as a worker does, and gives what the client gets. */
  run(item?: unknown): Promise<unknown>;
}

export async function roundTrip(fn: AnyFunction, options: CaptureOptions = {}): Promise<RoundTrip> {
  const own = shipper();
  const shipped = await own.ship(own.capture(fn, options));
  const loaded = await loadFunction({ ...shipped, cacheDirectory: await temporaryFolder() });
  const run = async (item?: unknown): Promise<unknown> => {
    const outcome = await loaded.call(loaded.decodeInput(shipped.encodeInput(item)), {});
    return shipped.decodeResult(loaded.encodeResult(outcome));
  };
  return { shipped, loaded, run };
}
