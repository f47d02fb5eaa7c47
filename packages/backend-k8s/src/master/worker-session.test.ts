import { expect, it } from 'vitest';
import { WorkerSession } from './worker-session.ts';

const session = (): WorkerSession => new WorkerSession('a-session', 2, { nodeVersion: '24.0.0' });

it('takes what is on its way to a worker from the room that it tells', () => {
  const worker = session();
  worker.deliver(['lease', [1, 0, 3, 0, 0]], undefined, 3);
  worker.deliver(['lease', [1, 3, 5, 0, 0]], undefined, 2);
  expect(worker.roomLeft({ turn: 1, room: 6, received: 0 })).toBe(1);
  expect(worker.roomLeft({ turn: 2, room: 6, received: 1 })).toBe(4);
});

it('does not believe a room that another has overtaken', () => {
  const worker = session();
  expect(worker.roomLeft({ turn: 2, room: 3, received: 0 })).toBe(3);
  expect(worker.roomLeft({ turn: 1, room: 1, received: 0 })).toBeUndefined();
  expect(worker.roomLeft({ turn: 3, room: 2, received: 0 })).toBe(2);
});

it('knows a report that it has taken before', () => {
  const worker = session();
  expect([0, 0, 1, 0].map((report) => worker.isNewReport(report))).toEqual([true, false, true, false]);
});
