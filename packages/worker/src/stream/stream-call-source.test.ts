/** The call source in a process of its own, over a real inherited channel. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { encodeInputPart, type JobRef } from '@splitrock/core/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameChannel } from '../channel/frame-channel.ts';
import { decodeMessage, encodeMessage, type BackendMessage, type WorkerMessage } from './protocol/messages.ts';

const job: JobRef = { executorId: 'abcdefghijkl', jobNumber: 7 };
const script = fileURLToPath(new URL('../../test/obedient-worker.ts', import.meta.url));

let worker: ChildProcess;
let channel: FrameChannel;
let received: WorkerMessage[];
let arrived: () => void;

beforeEach(() => {
  received = [];
  arrived = () => undefined;
  worker = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ignore', 'pipe'] });
  channel = new FrameChannel(worker.stdio[4] as Socket, {
    onFrame(frame) {
      received.push(decodeMessage<WorkerMessage>(frame));
      arrived();
    },
    onClose: () => undefined,
  });
});

afterEach(async () => {
  channel.destroy();
  if (worker.exitCode === null && worker.signalCode === null) {
    worker.kill('SIGKILL');
    await once(worker, 'exit');
  }
});

const send = (message: BackendMessage): boolean => channel.send(encodeMessage(message));

async function messages(count: number): Promise<readonly WorkerMessage[]> {
  while (received.length < count) await new Promise<void>((resolve) => (arrived = resolve));
  return received;
}

/** A lease of calls from 40 on that asks for these actions, one a call. */
const lease = (...actions: readonly number[]): BackendMessage => ({
  type: 'lease',
  leaseId: 3,
  job,
  calls: { from: 40, to: 40 + actions.length },
  attempt: 1,
  inlineInputs: encodeInputPart(
    40,
    actions.map((action) => new Uint8Array([action])),
  ),
});

describe('StreamCallSource', () => {
  it('says how much it will hold, and answers the calls of a lease in one message of ranges', async () => {
    send({ type: 'job', job, descriptor: new Uint8Array([1]) });
    send(lease(1, 1, 1, 2, 2, 0, 0, 3));
    const reason = { kind: 'exit', message: 'slot process 5 exited with code 1' };
    expect(await messages(2)).toEqual([
      { type: 'capacity', calls: 8 },
      {
        type: 'answers',
        answers: [
          ['started', 3, 45, 47],
          ['done', 3, 40, 43],
          ['given-back', 3, 43, 45],
          ['given-back', 3, 47, 48, reason],
        ],
      },
    ]);
  });

  it('passes on cancellations and the end of a job', async () => {
    send({ type: 'cancel', target: { job, calls: [{ from: 0, to: 1 }] } });
    send({ type: 'end-job', job });
    expect((await messages(3)).slice(1)).toEqual([
      { type: 'capacity', calls: 1_001 },
      { type: 'capacity', calls: 2_007 },
    ]);
  });

  it('gets every answer out before the worker ends when it is told to leave', async () => {
    send(lease(...Array.from({ length: 5_000 }, () => 1)));
    send({ type: 'shutdown', graceMs: 5, reason: 'test' });
    const [code] = (await once(worker, 'exit')) as [number];
    expect(code).toBe(15);
    expect((await messages(2))[1]).toEqual({ type: 'answers', answers: [['done', 3, 40, 5_040]] });
  });

  it('makes the worker leave at once when its client is gone', async () => {
    await messages(1);
    channel.destroy();
    const [code] = (await once(worker, 'exit')) as [number];
    expect(code).toBe(10);
  });
});
