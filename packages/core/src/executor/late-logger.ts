/** A logger that stands in for one that is still being made: lines wait for it, in order. */
import type { LogFields, Logger } from '../contracts/logger.ts';

/** @param target - Gives the real logger; `undefined` or a rejection drops the lines. */
export function lateLogger(target: () => Promise<Logger | undefined>, fields: LogFields = {}): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, more: LogFields = {}) => {
      target().then(
        (logger) => logger?.[level](message, { ...fields, ...more }),
        () => {},
      );
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (more) => lateLogger(target, { ...fields, ...more }),
  };
}
