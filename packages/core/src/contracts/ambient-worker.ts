/**
 * What a call can know of the worker around it, so that an executor made inside a call needs no configuration.
 *
 * A slot sets `globalThis[Symbol.for('splitrock.ambient')]` before it runs calls of a job. It is a property of the
 * global object, not environment variables, because plugin options hold credentials that child processes must not
 * inherit. Whoever reads it checks {@link AmbientWorker.version} first.
 */
import type { WorkerPlugins } from './plugin.ts';

export const AMBIENT_SYMBOL: unique symbol = Symbol.for('splitrock.ambient') as never;

export interface AmbientWorker {
  readonly version: 1;
  readonly workerId: string;
  readonly tenant: string;
  /** The plugins of the executor whose call runs here, with their options. Secret: never log or store them. */
  readonly plugins: WorkerPlugins;
  /** The job whose calls run in this process, `<executorId>-<number>`. */
  readonly jobId: string;
  /** How many calls are around an executor made here: 1 in a call of a program's own executor, 2 in a call of that one. */
  readonly nestingDepth: number;
}

/** What a slot has set, or `undefined` outside calls and for versions this package does not know. */
export function readAmbientWorker(): AmbientWorker | undefined {
  const ambient = (globalThis as { [AMBIENT_SYMBOL]?: AmbientWorker })[AMBIENT_SYMBOL];
  return ambient?.version === 1 ? ambient : undefined;
}

/** Sets it for the calls that run next. */
export function setAmbientWorker(ambient: AmbientWorker): void {
  // Not enumerable, so that code that copies or prints globals does not come across it.
  Object.defineProperty(globalThis, AMBIENT_SYMBOL, { value: ambient, configurable: true, enumerable: false });
}
