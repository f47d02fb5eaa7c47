/** Puts what a worker process writes into the executor's log. */
import type { Logger } from '@splitrock/core/plugin';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** A line of the worker's own log keeps its level and fields; anything else (Node's warnings, native code) is a warning. */
export function forwardLog(logger: Logger, line: string): void {
  const entry = parseEntry(line);
  if (entry === undefined) {
    logger.warn('Worker process wrote', { line });
    return;
  }
  const { level, message, time: _time, workerId: _workerId, ...fields } = entry;
  const method = LEVELS.find((known) => known === level) ?? 'warn';
  logger[method](`Worker: ${String(message)}`, fields);
}

function parseEntry(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
