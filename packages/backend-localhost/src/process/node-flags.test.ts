import { describe, expect, it } from 'vitest';
import { inheritedNodeFlags } from './node-flags.ts';

describe('inheritedNodeFlags', () => {
  it.each([
    { execArgv: [], flags: [] },
    { execArgv: ['--inspect', '--max-old-space-size=100'], flags: [] },
    { execArgv: ['--conditions=a', '-C=b'], flags: ['--conditions=a', '-C=b'] },
    { execArgv: ['--conditions', 'a', '--inspect', '-C', 'b'], flags: ['--conditions=a', '--conditions=b'] },
  ])('takes the import conditions from $execArgv', ({ execArgv, flags }) => {
    expect(inheritedNodeFlags(execArgv)).toEqual(flags);
  });
});
