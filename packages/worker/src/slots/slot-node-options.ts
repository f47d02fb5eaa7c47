/** Node's own options for slot processes: the worker's, without what must not be used twice. */

/** Debugger ports and watchers belong to one process; `--eval` and friends would run the parent's text again. */
const NOT_INHERITED =
  /^--(inspect|debug|watch|eval|print|input-type|test|report-|max-old-space-size|max-semi-space-size|expose-internals)/;
/** Options of those kinds whose value is a separate argument. */
const TAKES_VALUE = new Set(['-e', '-p', '--eval', '--print']);

export function slotNodeOptions(memoryMiB: number | null, own: readonly string[] = process.execArgv): string[] {
  const options: string[] = [];
  for (let index = 0; index < own.length; index += 1) {
    const option = own[index] as string;
    if (TAKES_VALUE.has(option)) index += 1;
    else if (!NOT_INHERITED.test(option)) options.push(option);
  }
  if (memoryMiB !== null) options.push(...heapOptions(Math.floor(memoryMiB)));
  return options;
}

/** The young generation counts too, three semi-spaces of it; by default they would double a small limit. */
function heapOptions(memoryMiB: number): string[] {
  const semiSpaceMiB = Math.min(16, Math.max(1, Math.floor(memoryMiB / 32)));
  return [`--max-old-space-size=${Math.max(1, memoryMiB)}`, `--max-semi-space-size=${semiSpaceMiB}`];
}
