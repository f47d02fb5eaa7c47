/** The worker's log: one JSON object a line on stderr. */
import { isSplitrockError, type LogFields, type Logger, type WorkerBootstrap } from '@splitrock/core/plugin';

type Level = WorkerBootstrap['logLevel'];
const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error', 'silent'];

export function jsonLogger(level: Level, fields: LogFields, write: (line: string) => void = writeToStderr): Logger {
  const log = (own: Level) =>
    LEVELS.indexOf(own) < LEVELS.indexOf(level)
      ? () => {}
      : (message: string, more: LogFields = {}): void => {
          const line = { level: own, time: new Date().toISOString(), message, ...fields, ...more };
          write(`${JSON.stringify(line, jsonSafe)}\n`);
        };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (more) => jsonLogger(level, { ...fields, ...more }, write),
  };
}

function writeToStderr(line: string): void {
  process.stderr.write(line);
}

function jsonSafe(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, ...(isSplitrockError(value) ? { code: value.code } : {}) };
}
