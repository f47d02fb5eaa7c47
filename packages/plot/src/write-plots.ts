import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InvalidArgumentError } from '@splitrock/core/plugin';
import type { CallRecord } from './call-record.ts';
import { renderHistogram } from './histogram.ts';
import type { PlotOptions } from './plot.ts';
import { renderTimeline } from './timeline.ts';

export interface WritePlotsOptions extends PlotOptions {
  /** Folder of the files; made if need be. */
  readonly directory: string;
  /** What the files' names begin with: `<name>-timeline.svg`. No path separators. */
  readonly name: string;
}

/** The files that were written, as absolute paths. */
export interface PlotPaths {
  readonly timelineSvg: string;
  readonly timelinePng: string;
  readonly concurrencySvg: string;
  readonly concurrencyPng: string;
}

/**
 * Draws timeline and concurrency histogram and writes each as SVG and PNG, replacing older ones.
 * @throws InvalidArgumentError `ARGUMENT_INVALID` for no records, impossible times, or a name that is no file name.
 */
export async function writePlots(records: Iterable<CallRecord>, options: WritePlotsOptions): Promise<PlotPaths> {
  const { directory, name } = options;
  if (!/^[^/\\\0]+$/.test(name)) {
    throw new InvalidArgumentError(
      'ARGUMENT_INVALID',
      `Plot name must be a file name [name=${JSON.stringify(name)}]; choose one without separators.`,
    );
  }
  const rows = [...records];
  const timeline = await renderTimeline(rows, options);
  const concurrency = await renderHistogram(rows, options);
  await mkdir(directory, { recursive: true });
  const write = async (suffix: string, content: string | Uint8Array): Promise<string> => {
    const path = resolve(join(directory, `${name}-${suffix}`));
    await writeFile(path, content);
    return path;
  };
  return {
    timelineSvg: await write('timeline.svg', timeline.svg),
    timelinePng: await write('timeline.png', timeline.png()),
    concurrencySvg: await write('concurrency.svg', concurrency.svg),
    concurrencyPng: await write('concurrency.png', concurrency.png()),
  };
}
