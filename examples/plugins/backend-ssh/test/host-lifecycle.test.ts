import { describe, expect, it } from 'vitest';
import { HostLifecycle, type HostEvent } from '../src/host/host-lifecycle.ts';

const WANTED: HostEvent = { type: 'wanted', urgent: false };
const READY: HostEvent = { type: 'ready' };
const PROGRESSED: HostEvent = { type: 'progressed' };
const ended = (hasWork: boolean, permanent = false): HostEvent => ({ type: 'ended', hasWork, permanent });

/** What the last of the events leads to. */
function after(...events: readonly HostEvent[]): { readonly does: readonly unknown[]; readonly state: string } {
  const lifecycle = new HostLifecycle();
  let does: readonly unknown[] = [];
  for (const event of events) does = lifecycle.handle(event);
  return { does, state: lifecycle.state };
}

const CONNECT = { type: 'connect' };
const pause = (delayMs: number) => ({ type: 'pause', delayMs, hurry: true });
const GIVE_UP = [{ type: 'give-up' }, { type: 'pause', delayMs: 30_000, hurry: false }];
const DOWN = [WANTED, ended(true, true)] as const;

describe('HostLifecycle', () => {
  it.each([
    { name: 'connects when it is wanted', events: [WANTED], does: [CONNECT], state: 'starting' },
    { name: 'connects once', events: [WANTED, WANTED], does: [], state: 'starting' },
    {
      name: 'connects at once when a good worker was lost and calls wait',
      events: [WANTED, READY, PROGRESSED, ended(true)],
      does: [CONNECT],
      state: 'starting',
    },
    {
      name: 'rests when a worker was lost and nothing waits',
      events: [WANTED, READY, PROGRESSED, ended(false)],
      does: [],
      state: 'idle',
    },
    { name: 'waits a little after a failure', events: [WANTED, ended(true)], does: [pause(500)], state: 'pausing' },
    {
      name: 'waits longer after the second',
      events: [WANTED, ended(true), { type: 'paused', hasWork: true }, ended(true)],
      does: [pause(1_000)],
      state: 'pausing',
    },
    {
      name: 'gives up after three failures in a row',
      events: [
        WANTED,
        ended(true),
        { type: 'paused', hasWork: true },
        ended(true),
        { type: 'paused', hasWork: true },
        ended(true),
      ],
      does: GIVE_UP,
      state: 'down',
    },
    {
      name: 'counts workers that get ready and end before they begin a call',
      events: [WANTED, READY, ended(true), READY, ended(true), { type: 'paused', hasWork: true }, READY, ended(true)],
      does: GIVE_UP,
      state: 'down',
    },
    { name: 'gives up at once what cannot work', events: DOWN, does: GIVE_UP, state: 'down' },
    { name: 'leaves a host alone that was given up', events: [...DOWN, WANTED], does: [], state: 'down' },
    {
      name: 'tries it again when there is no other',
      events: [...DOWN, { type: 'wanted', urgent: true }],
      does: [CONNECT],
      state: 'starting',
    },
    {
      name: 'tries it again after a while, if calls wait',
      events: [...DOWN, { type: 'paused', hasWork: true }],
      does: [CONNECT],
      state: 'starting',
    },
    {
      name: 'forgets it after a while, if none do',
      events: [...DOWN, { type: 'paused', hasWork: false }],
      does: [],
      state: 'idle',
    },
    {
      name: 'tells when it works again',
      events: [...DOWN, { type: 'paused', hasWork: true }, READY],
      does: [{ type: 'recovered' }],
      state: 'ready',
    },
    { name: 'does nothing more once it is stopped', events: [{ type: 'stopped' }, WANTED], does: [], state: 'stopped' },
  ] as const)('$name', ({ events, does, state }) => {
    expect(after(...events)).toEqual({ does, state });
  });
});
