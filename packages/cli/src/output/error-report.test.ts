import { ConfigError, PluginError, StorageError } from '@splitrock/core';
import { expect, it } from 'vitest';
import { UsageError, exitCodeOf, formatReport, reportOf } from './error-report.ts';

it.each([
  ['a usage error', new UsageError('No.'), 'error USAGE: No.', 2],
  [
    'a configuration error',
    new ConfigError('CONFIG_UNREADABLE', 'Not a file.'),
    'error CONFIG_UNREADABLE: Not a file.',
    3,
  ],
  ['a plugin error', new PluginError('PLUGIN_NOT_FOUND', 'Gone.'), 'error PLUGIN_NOT_FOUND: Gone.', 3],
  [
    'a storage error, with a hint',
    new StorageError('STORAGE_UNAVAILABLE', 'Away.'),
    'error STORAGE_UNAVAILABLE: Away.\n`splitrock doctor` tests each part by itself.',
    1,
  ],
  [
    'an interruption',
    Object.assign(new Error('Interrupted.'), { code: 'INTERRUPTED' }),
    'error INTERRUPTED: Interrupted.',
    130,
  ],
  ['a system error', Object.assign(new Error('EACCES: no'), { code: 'EACCES' }), 'error EACCES: EACCES: no', 1],
  ['what is no error', 'oops', 'error UNKNOWN: oops', 1],
])('%s', (_case, error, text, exitCode) => {
  const report = reportOf(error);
  expect([formatReport(report), exitCodeOf(report)]).toEqual([text, exitCode]);
});

it('shows the stack of a fault of its own', () => {
  expect(formatReport(reportOf(new TypeError('x is undefined')))).toMatch(
    /^error UNEXPECTED: TypeError: x is undefined\n {4}at /,
  );
});
