/** What a broker counts is not who died: a worker that shares itself between jobs returns messages all the time. */
import { testService } from '@splitrock/services/vitest';
import { describe, expect, it } from 'vitest';
import { LonePool, type LoneWorker } from '../test/lone-source.ts';

const DEADLINE_MS = 60_000;
/** Messages that must have come back before the test is over. */
const RETURNS = 3;
const CALLS_AHEAD = 200;
const rabbitmq = await testService('rabbitmq');

const jobRef = (jobNumber: number) => ({ executorId: 'abcdefghijkl', jobNumber });

describe.skipIf(!rabbitmq.available)('messages that come back to a job’s queue', { timeout: 3 * DEADLINE_MS }, () => {
  it('because their worker turned to another job count as nobody’s death', async () => {
    // One death would be enough to give a call up.
    const pool = new LonePool({ url: rabbitmq.variable('SPLITROCK_TEST_AMQP_URL'), maxDeaths: 1 });
    await pool.start();
    const [huge, small] = [jobRef(1), jobRef(2)];
    await pool.declare(huge);
    await pool.declare(small);
    const worker = await pool.worker('busy');
    await worker.start();
    // A worker says so of each message that came back.
    const returned = (): number =>
      pool.entries.flatMap((entry) => (entry.type === 'held' ? entry.messages : [])).length;
    const until = async (condition: () => boolean): Promise<void> => {
      const reached = (): boolean => condition() || pool.lost.length > 0;
      await expect.poll(reached, { timeout: DEADLINE_MS, interval: 2 }).toBe(true);
    };
    let [hugeCalls, smallCalls] = [0, 0];
    while (returned() < RETURNS && pool.lost.length === 0) {
      if (hugeCalls - worker.callsOf(huge).length < CALLS_AHEAD) {
        await pool.submit(huge, hugeCalls, (hugeCalls += CALLS_AHEAD));
      }
      await pool.submit(small, smallCalls, (smallCalls += 1));
      await until(() => worker.callsOf(small).length >= smallCalls);
    }
    await until(() => worker.given.length >= hugeCalls + smallCalls);
    expect(pool.lost).toEqual([]);
    expect(worker.callsOf(huge).toSorted((a, b) => a - b)).toEqual(Array.from({ length: hugeCalls }, (_, id) => id));
    await worker.stop();
    await pool.close(huge, small);
    expect(pool.pendingTimers).toBe(0);
  });

  it('because their workers died are given up after so many deaths, and the others of them run', async () => {
    const pool = new LonePool({ url: rabbitmq.variable('SPLITROCK_TEST_AMQP_URL'), maxDeaths: 2 });
    await pool.start();
    const job = jobRef(1);
    await pool.declare(job);
    await pool.submit(job, 0, 8);
    const workers: LoneWorker[] = [];
    const lost = (): number[] => pool.lost.flatMap(({ calls }) => calls.map(({ from }) => from));
    const ended = (): Set<number> => new Set([...workers.flatMap(({ answered }) => answered), ...lost()]);
    while (pool.lost.length === 0) {
      const worker = await pool.worker(`worker-${workers.length}`, 3);
      workers.push(worker);
      await worker.start();
      await expect.poll(() => worker.dead || pool.lost.length > 0, { timeout: DEADLINE_MS, interval: 2 }).toBe(true);
    }
    await expect.poll(() => ended().size, { timeout: DEADLINE_MS }).toBe(8);
    expect(lost()).toContain(3);
    expect(pool.lost[0]?.reason).toMatchObject({ kind: 'worker-lost' });
    // One more than were counted: of the first, nobody knew that it died.
    expect(workers.filter(({ dead }) => dead)).toHaveLength(3);
    for (const worker of workers) await worker.stop();
    await pool.close(job);
    expect(pool.pendingTimers).toBe(0);
  });
});
