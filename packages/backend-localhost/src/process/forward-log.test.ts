import { silentLogger, type LogFields } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { forwardLog } from './forward-log.ts';

const wrote = (line: string): unknown => {
  const entries: unknown[] = [];
  const add = (level: string) => (message: string, fields?: LogFields) => void entries.push([level, message, fields]);
  const logger = { ...silentLogger, debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
  forwardLog(logger, line);
  return entries;
};

describe('forwardLog', () => {
  it.each([
    {
      line: '{"level":"error","time":"2026-01-01","message":"job cannot be loaded","workerId":"w","jobId":"a-1"}',
      entries: [['error', 'Worker: job cannot be loaded', { jobId: 'a-1' }]],
    },
    { line: '{"level":"fatal","message":"x"}', entries: [['warn', 'Worker: x', {}]] },
    { line: '{"cut', entries: [['warn', 'Worker process wrote', { line: '{"cut' }]] },
    { line: '(node:7) Warning: old', entries: [['warn', 'Worker process wrote', { line: '(node:7) Warning: old' }]] },
  ])('takes $line', ({ line, entries }) => {
    expect(wrote(line)).toEqual(entries);
  });
});
