import { expect, it } from 'vitest';
import { processConditions } from './process-conditions.ts';

it.each([
  ['none', [], '', []],
  ['joined by =', ['--conditions=a', '-C=b'], '', ['a', 'b']],
  ['in two words', ['--conditions', 'a', '-C', 'b'], '', ['a', 'b']],
  ['in NODE_OPTIONS, first', ['--conditions=b'], '--max-old-space-size=99 --conditions=a', ['a', 'b']],
  ['an option without its word', ['-C'], '', []],
  ['other options', ['--import', '--conditions.mjs', '-c'], '', []],
])('finds conditions: %s', (_case, execArgv, nodeOptions, expected) => {
  expect(processConditions(execArgv, nodeOptions)).toEqual(expected);
});
