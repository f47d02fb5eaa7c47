import { describe, expect, it } from 'vitest';
import { classifyDeath, type DeathFacts } from './classify-death.ts';
import { slotNodeOptions } from './slot-node-options.ts';

const facts: DeathFacts = {
  workerId: 'w1',
  pid: 4711,
  exitCode: null,
  signal: null,
  kernelOutOfMemory: false,
  stderrTail: '',
};
const FULL_HEAP = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native';

describe('the death of a slot process', () => {
  it.each<[string, Partial<DeathFacts>, object]>([
    [
      'exit code',
      { exitCode: 3 },
      { kind: 'exit', exitCode: 3, message: 'slot process 4711 ended itself with exit code 3' },
    ],
    ['signal', { signal: 'SIGSEGV' }, { kind: 'crash', signal: 'SIGSEGV' }],
    ['kernel’s killer', { signal: 'SIGKILL', kernelOutOfMemory: true }, { kind: 'out-of-memory', signal: 'SIGKILL' }],
    ['another’s SIGKILL', { signal: 'SIGKILL' }, { kind: 'crash', signal: 'SIGKILL' }],
    ['full heap', { signal: 'SIGABRT', stderrTail: FULL_HEAP }, { kind: 'out-of-memory', signal: 'SIGABRT' }],
    ['abort without a full heap', { signal: 'SIGABRT' }, { kind: 'crash', signal: 'SIGABRT' }],
    ['exit of one who only printed so', { exitCode: 1, stderrTail: FULL_HEAP }, { kind: 'exit', exitCode: 1 }],
    [
      'worker’s own limit',
      { signal: 'SIGKILL', killedForMemory: 'used too much' },
      { kind: 'out-of-memory', message: 'slot process 4711 used too much' },
    ],
    [
      'failed start',
      { pid: undefined, startError: new Error('EAGAIN') },
      { kind: 'start-failed', message: 'A slot process could not be started: EAGAIN' },
    ],
  ])('is told from its %s', (_what, more, expected) => {
    expect(classifyDeath({ ...facts, ...more })).toMatchObject({ ...expected, workerId: 'w1' });
  });
});

describe('Node’s options for slots', () => {
  it('are the worker’s, without what belongs to one process', () => {
    const own = ['--conditions=x', '--inspect=0', '--watch', '-e', 'text', '--print', 'more', '--max-old-space-size=1'];
    expect(slotNodeOptions(null, own)).toEqual(['--conditions=x']);
  });

  it('limit the heap with its young generation', () => {
    expect(slotNodeOptions(256, [])).toEqual(['--max-old-space-size=256', '--max-semi-space-size=8']);
    expect(slotNodeOptions(10.5, [])).toEqual(['--max-old-space-size=10', '--max-semi-space-size=1']);
    expect(slotNodeOptions(8192, [])).toEqual(['--max-old-space-size=8192', '--max-semi-space-size=16']);
  });
});
