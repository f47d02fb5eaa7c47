/** Status of calls reaches their client whenever it comes: before its first hello, and between two. */
import { decodeStatusSegment, encodeStatusSegment, formatJobId, type StatusEvent } from '@splitrock/core/plugin';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LoneMaster } from '../../test/lone-master.ts';
import { helloAnswer, watchAnswer, type HelloAnswer } from '../protocol/client-messages.ts';
import { plainAnswer, pollAnswer } from '../protocol/worker-messages.ts';

const WORKER = { v: 1, worker: 'pod-1', session: 'a-session-of-a-worker' };
const READY = { turn: 0, room: 10, received: 0 };

let master: LoneMaster;
beforeEach(async () => {
  master = await LoneMaster.start();
});
afterEach(() => master.stop());

const jobId = (): string => formatJobId(master.jobs[0]);

const worker = (path: string, header: object, body: readonly Uint8Array[] = []): Promise<unknown> =>
  master.ask(master.workerToken(master.jobs[0]), {
    path: `/v1/worker/${path}`,
    header: { ...WORKER, ...header },
    body,
    answer: path === 'poll' ? pollAnswer : plainAnswer,
  });

async function join(): Promise<void> {
  await worker('join', { slots: 2, runtime: { nodeVersion: '24.0.0' }, held: [] });
  await worker('poll', { ...READY, waitMs: 0 });
}

/** The worker says how these calls ended. */
async function finish(report: number, ...calls: number[]): Promise<void> {
  const events = calls.map((callId): StatusEvent => {
    const when = { slot: 0, startedAtMs: 1, finishedAtMs: 2 };
    const outcome = { kind: 'value', inline: Uint8Array.of(callId) } as const;
    return { type: 'finished', callId, attempt: 1, workerId: WORKER.worker, ...when, outcome };
  });
  const segment = encodeStatusSegment(WORKER.worker, events);
  const answers = calls.map((callId) => ['d', 1, callId, callId + 1, 0]);
  await worker('report', { ...READY, report, answers, segments: [segment.length] }, [segment]);
}

async function hello(heard?: { epoch: string; received: number }): Promise<HelloAnswer & { finished: number[] }> {
  const { header, body } = await master.ask(master.clientToken(), {
    path: '/v1/client/hello',
    header: { v: 1, jobs: [[jobId(), 1]], ...(heard === undefined ? {} : { heard }) },
    answer: helloAnswer,
  });
  let offset = 0;
  const finished = header.events.flatMap((event) => {
    if (event[0] !== 'status') return [];
    expect(event[1]).toBe(jobId());
    return decodeStatusSegment(body.subarray(offset, (offset += event[2]))).map(({ callId }) => callId);
  });
  return { ...header, finished };
}

it('is kept for a client that has not been there, and comes with what its first hello is answered', async () => {
  await join();
  await finish(0, 0, 1);
  await finish(1, 2);
  const { finished, jobs, epoch, last } = await hello();
  expect(finished).toEqual([0, 1, 2]);
  expect(jobs[0]?.open).toEqual([[1, 3, 10]]);
  expect((await hello({ epoch, received: last })).finished).toEqual([]);
});

it('comes again when the answer to a hello was lost', async () => {
  await join();
  const { epoch, last } = await hello();
  await finish(0, 0);
  expect((await hello({ epoch, received: last })).finished).toEqual([0]);
  await finish(1, 1);
  expect((await hello({ epoch, received: last })).finished).toEqual([0, 1]);
});

it('that a client has not heard comes with the next hello, and what it has heard does not', async () => {
  await join();
  const { epoch, last: before } = await hello();
  await finish(0, 0);
  const watch = (received: number): Promise<{ header: { last: number } }> =>
    master.ask(master.clientToken(), {
      path: '/v1/client/watch',
      header: { v: 1, epoch, received, waitMs: 0 },
      answer: watchAnswer,
    });
  const { last } = (await watch(before)).header;
  await finish(1, 1);
  expect((await hello({ epoch, received: last })).finished).toEqual([1]);
  await finish(2, 2);
  // Of another master's count it does not take anything for heard.
  expect((await hello({ epoch: 'another', received: 1_000 })).finished).toEqual([1, 2]);
});
