import { describe, expect, it } from 'vitest';
import { describeWorkerExit } from './worker-exit.ts';

const facts = { workerId: 'localhost-7-0a', pid: 7, exitCode: null, signal: null, stderr: '' } as const;
const HEAP = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n 1: 0xb76';

describe('describeWorkerExit', () => {
  it.each([
    {
      given: { exitCode: 9 },
      reason: { kind: 'exit', message: 'worker process 7 exited with code 9', exitCode: 9, workerId: 'localhost-7-0a' },
    },
    {
      given: { signal: 'SIGKILL' as const },
      reason: {
        kind: 'crash',
        message: 'worker process 7 was killed by SIGKILL',
        signal: 'SIGKILL',
        workerId: 'localhost-7-0a',
      },
    },
    {
      given: { signal: 'SIGABRT' as const, stderr: HEAP },
      reason: {
        kind: 'out-of-memory',
        message: 'worker process 7 ran out of JavaScript heap',
        signal: 'SIGABRT',
        workerId: 'localhost-7-0a',
      },
    },
  ])('tells $reason.kind', ({ given, reason }) => {
    expect(describeWorkerExit({ ...facts, ...given })).toEqual(reason);
  });
});
