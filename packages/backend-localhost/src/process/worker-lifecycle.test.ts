import { describe, expect, it } from 'vitest';
import { WorkerLifecycle, type LifecycleEvent, type LifecycleInstruction } from './worker-lifecycle.ts';

const reason = { kind: 'crash', message: 'worker process 7 was killed by SIGKILL' } as const;
const exited = { type: 'exited', reason, hasWork: true } as const;
const paused = { type: 'paused', hasWork: true } as const;

const brief = (instruction: LifecycleInstruction): string =>
  instruction.type === 'pause' ? `pause ${instruction.delayMs}` : instruction.type;

const cases: { name: string; events: readonly LifecycleEvent[]; does: readonly string[]; state: string }[] = [
  { name: 'spawns when wanted', events: [{ type: 'wanted' }], does: ['spawn'], state: 'starting' },
  { name: 'spawns once', events: [{ type: 'wanted' }, { type: 'wanted' }], does: ['spawn'], state: 'starting' },
  {
    name: 'restarts a good worker at once',
    events: [{ type: 'wanted' }, { type: 'ready' }, { type: 'progressed' }, exited],
    does: ['spawn', 'spawn'],
    state: 'starting',
  },
  {
    name: 'does not restart a worker that nobody needs',
    events: [{ type: 'wanted' }, { type: 'ready' }, { ...exited, hasWork: false }],
    does: ['spawn'],
    state: 'idle',
  },
  {
    name: 'starts again when calls come later',
    events: [{ type: 'wanted' }, { type: 'ready' }, { ...exited, hasWork: false }, { type: 'wanted' }],
    does: ['spawn', 'spawn'],
    state: 'starting',
  },
  {
    name: 'waits longer after each failed start, then gives up',
    events: [{ type: 'wanted' }, exited, paused, exited, paused, exited],
    does: ['spawn', 'pause 100', 'spawn', 'pause 200', 'spawn', 'give-up'],
    state: 'idle',
  },
  {
    name: 'gives up on workers that get ready and die before any call begins',
    events: [
      { type: 'wanted' },
      { type: 'ready' },
      exited,
      { type: 'ready' },
      exited,
      paused,
      { type: 'ready' },
      exited,
    ],
    does: ['spawn', 'spawn', 'pause 200', 'spawn', 'give-up'],
    state: 'idle',
  },
  {
    name: 'never gives up on workers that begin calls',
    events: Array.from({ length: 5 }, (): LifecycleEvent[] => [
      { type: 'wanted' },
      { type: 'ready' },
      { type: 'progressed' },
      exited,
    ]).flat(),
    does: Array.from({ length: 6 }, () => 'spawn'),
    state: 'starting',
  },
  {
    name: 'tries again after giving up, and says when it recovers',
    events: [{ type: 'wanted' }, exited, paused, exited, paused, exited, { type: 'wanted' }, { type: 'ready' }],
    does: ['spawn', 'pause 100', 'spawn', 'pause 200', 'spawn', 'give-up', 'spawn', 'recovered'],
    state: 'ready',
  },
  {
    name: 'does not spawn after a pause when the calls are gone',
    events: [{ type: 'wanted' }, exited, { type: 'paused', hasWork: false }],
    does: ['spawn', 'pause 100'],
    state: 'idle',
  },
  {
    name: 'does nothing once it is stopped',
    events: [{ type: 'wanted' }, { type: 'stopped' }, exited, { type: 'wanted' }, paused],
    does: ['spawn'],
    state: 'stopped',
  },
];

describe('WorkerLifecycle', () => {
  it.each(cases)('$name', ({ events, does, state }) => {
    const lifecycle = new WorkerLifecycle();
    expect(events.flatMap((event) => lifecycle.handle(event)).map(brief)).toEqual(does);
    expect(lifecycle.state).toBe(state);
  });
});
