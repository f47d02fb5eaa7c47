/** A call that takes its worker down every time ends as lost, and nobody goes with it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KUBERNETES_BACKENDS } from './src/kubernetes-backends.ts';
import { World } from './src/world.ts';

let world: World;

describe.each(KUBERNETES_BACKENDS)('a call that kills what runs it, on $name,', (backend) => {
  beforeAll(async () => {
    world = await World.create(backend);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('by filling the worker’s memory: lost after its attempts; its siblings finish', async () => {
    // In threads, a call and its worker die together: the kernel kills the container.
    const executor = world.executor({
      pods: {
        slots: { workerProcesses: 2, kind: 'thread' },
        sizing: { kind: 'fixed', cpu: '1', memory: '400Mi' },
        maxDeaths: 1,
      },
    });
    const job = executor.map(
      async (n: number) => {
        const held: Buffer[] = [];
        // It is known to run by then: a worker's death says nothing of calls that it may not have begun.
        await new Promise((resolve) => setTimeout(resolve, n === 3 ? 500 : 0));
        while (n === 3) held.push(Buffer.alloc(32 << 20, 1));
        await new Promise((resolve) => setTimeout(resolve, 100));
        return n;
      },
      Array.from({ length: 12 }, (_, n) => n),
      { lostAttempts: 2 },
    );
    const outcomes = await job.settled();
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))).toEqual([
      0,
      1,
      2,
      'CALL_LOST',
      4,
      5,
      6,
      7,
      8,
      9,
      10,
      11,
    ]);
    expect(outcomes[3]).toMatchObject({ attempts: 2, reason: { name: 'CallLostError' } });
  });

  it('by killing its own process', async () => {
    const job = world.executor().map(
      (n: number) => {
        if (n === 1) process.kill(process.pid, 'SIGKILL');
        return n;
      },
      [0, 1, 2, 3],
      { lostAttempts: 2 },
    );
    const outcomes = await job.settled();
    expect(outcomes).toMatchObject([
      { value: 0 },
      { attempts: 2, reason: { code: 'CALL_LOST', reason: { kind: 'crash', signal: 'SIGKILL' } } },
      { value: 2 },
      { value: 3 },
    ]);
  });
});
