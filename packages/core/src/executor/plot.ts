/** Pictures of jobs, by the optional package `@splitrock/plot`. */
import { join } from 'node:path';
import { InvalidArgumentError, PluginError } from '../errors/splitrock-error.ts';
import type { CallRecord } from '../job/call-records.ts';
import type { Job } from '../job/job.ts';

export interface PlotOptions {
  /** Jobs to draw. @defaultValue all of the executor's */
  readonly jobs?: readonly Job<unknown>[];
  /** Folder of the files; made if need be. @defaultValue `plots` in the working directory */
  readonly directory?: string;
  /** First part of the files' names. @defaultValue the executor's id */
  readonly name?: string;
}

export interface PlotPaths {
  readonly timelineSvg: string;
  readonly timelinePng: string;
  readonly concurrencySvg: string;
  readonly concurrencyPng: string;
}

interface PlotPackage {
  writePlots(
    records: Iterable<CallRecord>,
    options: { readonly directory: string; readonly name: string },
  ): Promise<PlotPaths>;
}

/** @throws InvalidArgumentError when no call has ended yet; PluginError when the package is not installed. */
export async function drawPlots(
  executorId: string,
  jobs: readonly Job<unknown>[],
  options: PlotOptions,
): Promise<PlotPaths> {
  const records = jobs.flatMap((job) => job.records());
  if (records.length === 0) {
    throw new InvalidArgumentError('ARGUMENT_INVALID', 'plot: no call has ended yet; wait for a job first.');
  }
  const plot = await loadPlotPackage();
  return plot.writePlots(records, {
    directory: options.directory ?? join(process.cwd(), 'plots'),
    name: options.name ?? executorId,
  });
}

async function loadPlotPackage(): Promise<PlotPackage> {
  // A name that tools cannot follow: the package is optional, heavy, and depends on this one.
  const name = ['@splitrock', 'plot'].join('/');
  try {
    return (await import(name)) as PlotPackage;
  } catch (cause) {
    throw new PluginError('PLUGIN_NOT_FOUND', `Pictures need the package ${name}; run: npm install ${name}`, { cause });
  }
}
