import { encodeEnvelope, silentLogger, type Storage } from '@splitrock/core/plugin';
import { plugin as memory } from '@splitrock/storage-memory';
import { ManualClock } from '@splitrock/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeMasterRecord, type MasterRecord } from '../protocol/records.ts';
import { MASTER_HEADER } from '../protocol/refusals.ts';
import { plainAnswer } from '../protocol/worker-messages.ts';
import { MasterCaller } from './master-caller.ts';
import type { MasterWay, WayAnswer, WayRequest } from './master-way.ts';

const KEY = 'master';
const OLD: MasterRecord = { v: 1, epoch: 'old', pod: 'master-0', ip: '10.0.0.1', port: 80 };
const NEW: MasterRecord = { ...OLD, epoch: 'new', pod: 'master-1', ip: '10.0.0.2' };

/** The node of one master has vanished: nobody answers, and no connection breaks. */
class VanishedNode implements MasterWay {
  readonly asked: string[] = [];

  ask({ pod, epoch }: MasterRecord, { signal }: WayRequest): Promise<WayAnswer> {
    this.asked.push(pod);
    if (epoch === NEW.epoch) {
      const body = encodeEnvelope('M', { v: 1 });
      return Promise.resolve({ status: 200, headers: { [MASTER_HEADER]: epoch }, body });
    }
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  }

  close(): void {}
}

describe('a master that does not answer', () => {
  const clock = new ManualClock();
  const question = { path: '/v1/worker/poll', header: {}, answer: plainAnswer, waitMs: 10_000, timeoutMs: 70_000 };
  let storage: Storage;
  let way: VanishedNode;
  let caller: MasterCaller;
  beforeEach(async () => {
    storage = await memory.createStorage({ maxObjectBytes: 1_000_000 }, { logger: silentLogger, clock });
    way = new VanishedNode();
    caller = new MasterCaller({ storage, key: KEY, token: 'token', way, clock });
    await storage.put(KEY, encodeMasterRecord(OLD));
  });

  it('is given up when another one is there, and that one is asked next', async () => {
    const asking = caller.ask(question).catch((error: unknown) => error);
    await expect.poll(() => way.asked).toEqual(['master-0']);
    await storage.put(KEY, encodeMasterRecord(NEW));
    await clock.advance(15_000);
    expect(await asking).toMatchObject({
      name: 'MasterUnreachableError',
      message: 'the master cannot be reached: pod master-1 has taken over from pod master-0',
    });
    await caller.ask(question);
    expect(way.asked).toEqual(['master-0', 'master-1']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is waited for while there is no other, and as long as it may take its time', async () => {
    let isOver = false;
    const stop = new AbortController();
    const asking = caller.ask({ ...question, signal: stop.signal }).finally(() => (isOver = true));
    await expect.poll(() => way.asked).toEqual(['master-0']);
    await clock.advance(60_000);
    await storage.put(KEY, encodeMasterRecord(NEW));
    await clock.advance(4_000);
    expect(isOver).toBe(false);
    stop.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});
