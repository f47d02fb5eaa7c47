/** The client's own log: structured lines on standard error, by pino. */
import { pino, type Logger as PinoLogger } from 'pino';
import type { LogFields, Logger } from '../contracts/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export function createClientLogger(level: LogLevel): Logger {
  const options = { name: 'splitrock', level, base: null, serializers: { error: pino.stdSerializers.err } };
  return new ClientLogger(pino(options, pino.destination({ fd: 2, sync: true })));
}

class ClientLogger implements Logger {
  readonly #pino: PinoLogger;

  constructor(logger: PinoLogger) {
    this.#pino = logger;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#pino.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#pino.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#pino.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#pino.error(fields, message);
  }

  child(fields: LogFields): Logger {
    return new ClientLogger(this.#pino.child(fields));
  }
}
