/** Injection tokens of the composition roots (executor, worker, cli). `Symbol.for`, so that package copies agree. */
import type { InjectionToken } from 'tsyringe';
import type { Backend } from './backend.ts';
import type { CallSource } from './call-source.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { StatusPublisher, StatusSubscriber } from './monitoring.ts';
import type { Storage } from './storage.ts';

const token = <T>(name: string): InjectionToken<T> => Symbol.for(`splitrock.${name}`);

export const TOKENS = {
  Backend: token<Backend>('Backend'),
  CallSource: token<CallSource>('CallSource'),
  Clock: token<Clock>('Clock'),
  Logger: token<Logger>('Logger'),
  StatusPublisher: token<StatusPublisher>('StatusPublisher'),
  StatusSubscriber: token<StatusSubscriber>('StatusSubscriber'),
  Storage: token<Storage>('Storage'),
} as const;
