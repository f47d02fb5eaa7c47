/** What the backend adds to its dispatch; the whole of it is held to the contract by the backends that are made of it. */
import {
  encodeInputPart,
  type BackendListener,
  type CallSubmission,
  type JobRef,
  type LossReason,
} from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import type { BackendMessage } from './protocol/messages.ts';
import { StreamBackend, type StreamPool, type StreamWorkers } from './stream-backend.ts';

const job: JobRef = { executorId: 'abcdefghijkl', jobNumber: 7 };
const GONE: LossReason = { kind: 'crash', message: 'killed' };

const submission = (calls: number): CallSubmission => ({
  job,
  descriptor: new Uint8Array([1]),
  calls: { from: 0, to: calls },
  attempt: 1,
  inlineInputs: encodeInputPart(
    0,
    Array.from({ length: calls }, () => new Uint8Array([0])),
  ),
});

/** A backend whose workers are the test's; all that it says is kept, in order. */
function makeBackend() {
  const heard: unknown[] = [];
  const asked: string[] = [];
  const sent: BackendMessage[] = [];
  let pool: StreamPool | undefined;
  const workers: StreamWorkers = {
    capacity: () => ({ current: 1, max: 2 }),
    runtime: ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    want: () => asked.push('want'),
    stop: async ({ graceMs }) => void asked.push(`stop ${graceMs}`),
  };
  const backend = new StreamBackend({ name: 'pipes' }, job, (made) => {
    pool = made;
    return workers;
  });
  const hear =
    (what: string) =>
    (...event: readonly unknown[]): void =>
      void heard.push([what, ...event]);
  const listener: BackendListener = {
    callsLost: hear('lost'),
    statusPublished: hear('status'),
    diagnosis: hear('diagnosis'),
    workerChanged: hear('worker'),
  };
  const connect = (workerId: string, slots: number, calls: number): void => {
    (pool as StreamPool).connect(workerId, { send: (message) => sent.push(message) }, slots);
    (pool as StreamPool).receive(workerId, { type: 'capacity', calls });
  };
  return { backend, listener, heard, asked, sent, connect, pool: pool as unknown as StreamPool };
}

const leased = (sent: readonly BackendMessage[]) =>
  sent.flatMap((message) => (message.type === 'lease' ? [message.calls] : []));

describe('StreamBackend', () => {
  it('wants workers when it is started and whenever calls come', async () => {
    const { backend, listener, asked, pool } = makeBackend();
    expect(asked).toEqual([]);
    await backend.start(listener);
    expect([asked, pool.hasWork]).toEqual([['want'], false]);
    await backend.submit(submission(1));
    expect([asked, pool.hasWork]).toEqual([['want', 'want'], true]);
  });

  it('tells of workers that come, are lost and were stopped, and hands their calls on', async () => {
    const { backend, listener, heard, sent, connect, pool } = makeBackend();
    await backend.start(listener);
    await backend.submit(submission(3));
    connect('a', 2, 4);
    expect(leased(sent)).toEqual([{ from: 0, to: 3 }]);
    pool.receive('a', { type: 'answers', answers: [['started', 1, 0, 1]] });
    pool.lose('a', GONE);
    connect('b', 2, 4);
    expect(leased(sent).slice(1)).toEqual([{ from: 1, to: 3 }]);
    await backend.stop({ graceMs: 5 });
    pool.lose('b', GONE);
    expect(heard).toEqual([
      ['worker', { workerId: 'a', change: 'started', slots: 2 }],
      ['worker', { workerId: 'a', change: 'lost', reason: GONE }],
      ['lost', { job, attempt: 1, calls: [{ from: 0, to: 1 }], reason: GONE }],
      ['worker', { workerId: 'b', change: 'started', slots: 2 }],
      ['worker', { workerId: 'b', change: 'stopped' }],
    ]);
  });

  it('keeps the last calls for slots that fall free once it was told of several workers', async () => {
    const { backend, listener, sent, connect, pool } = makeBackend();
    await backend.start(listener);
    pool.expectSlots(4);
    await backend.submit(submission(5));
    connect('a', 2, 100);
    const given = leased(sent).reduce((sum, { from, to }) => sum + to - from, 0);
    expect(given).toBe(2);
  });

  it('says that no worker comes, of whatever waits, and wants workers again with the next submission', async () => {
    const { backend, listener, heard, asked, pool } = makeBackend();
    await backend.start(listener);
    await backend.submit(submission(2));
    const diagnosis = { severity: 'error', code: 'WORKER_START_FAILED', message: 'none' } as const;
    const reason: LossReason = { kind: 'start-failed', message: 'none' };
    pool.diagnose(diagnosis);
    pool.failWaiting(reason);
    expect(heard).toEqual([
      ['diagnosis', diagnosis],
      ['lost', { job, attempt: 1, calls: [{ from: 0, to: 2 }], reason }],
    ]);
    expect(pool.hasWork).toBe(false);
    await backend.submit(submission(1));
    expect(asked).toEqual(['want', 'want', 'want']);
  });

  it('ends a wait for the runtime by its own signal, and by the stop', async () => {
    const { backend, listener } = makeBackend();
    await backend.start(listener);
    const own = new AbortController();
    const aborted = backend.runtime({ signal: own.signal });
    const stopped = backend.runtime();
    const reason = new Error('not now');
    own.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await backend.stop();
    await expect(stopped).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('passes every stop on, since a later one may have a shorter grace, and has no capacity afterwards', async () => {
    const { backend, listener, asked } = makeBackend();
    await backend.start(listener);
    expect(backend.capacity()).toEqual({ current: 1, max: 2 });
    await backend.stop({ graceMs: 9 });
    await backend.stop({ graceMs: 0 });
    expect(asked).toEqual(['want', 'stop 9', 'stop 0']);
    expect(backend.capacity()).toEqual({ current: 0, max: 0 });
  });
});
