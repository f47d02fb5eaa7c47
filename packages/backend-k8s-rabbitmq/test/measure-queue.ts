/**
 * Measures the work queue with one local worker of two slots, local storage and storage monitoring:
 *
 *     SPLITROCK_TEST_AMQP_URL=amqp://… node --conditions=@splitrock/source test/measure-queue.ts
 *
 * Prints the round trip of single warm calls, and the rate and the client's memory for growing jobs.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { ExecutorFixture } from '@splitrock/testkit';
import { makeWorkQueueHarness } from './work-queue-harness.ts';

const SINGLE_CALLS = 50;
const CALLS = [1_000, 10_000, 100_000];
const CALLS_PER_SUBMISSION = 10_000;

/** Connections of this process; all go to the broker. */
const sockets = new Set<Socket>();
subscribe('net.client.socket', (message) => void sockets.add((message as { socket: Socket }).socket));
const traffic = (): { sent: number; received: number } => {
  let [sent, received] = [0, 0];
  for (const { bytesWritten, bytesRead } of sockets) [sent, received] = [sent + bytesWritten, received + bytesRead];
  return { sent, received };
};

const harness = await makeWorkQueueHarness(process.env['SPLITROCK_TEST_AMQP_URL'] ?? '', { workerProcesses: 2 });
const executor = await ExecutorFixture.start(harness, 300_000);
const noop = (): undefined => undefined;
await latency();
for (const calls of CALLS) await throughput(calls);
await executor.close();
await harness.close();

async function latency(): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < SINGLE_CALLS + 5; round += 1) {
    const job = await executor.job({ fn: noop, inputs: [0] });
    const from = performance.now();
    await job.submit({ inputs: 'inline' });
    await job.ended();
    // The first ones start the worker and its slots.
    if (round >= 5) times.push(performance.now() - from);
    await executor.backend.endJob(job.job);
    await job.close();
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? NaN).toFixed(1);
  console.log(`single warm call, ms: least ${at(0)}, median ${at(0.5)}, 90th percentile ${at(0.9)}`);
}

async function throughput(calls: number): Promise<void> {
  const job = await executor.job({ fn: noop, inputs: Array.from({ length: calls }, () => 0) });
  const before = traffic();
  const from = performance.now();
  for (let first = 0; first < calls; first += CALLS_PER_SUBMISSION) {
    await job.submit({ calls: { from: first, to: Math.min(calls, first + CALLS_PER_SUBMISSION) } });
  }
  const submittedMs = performance.now() - from;
  await job.until(() => job.started.size >= calls, 'every call is known to have begun');
  const ms = performance.now() - from;
  const after = traffic();
  const bytes = (name: 'sent' | 'received'): string => `${((after[name] - before[name]) / 1_000).toFixed(0)} kB`;
  const memory = (process.memoryUsage().rss / 1e6).toFixed(0);
  console.log(
    `${calls} calls: submitted in ${submittedMs.toFixed(0)} ms, done in ${ms.toFixed(0)} ms (${((1_000 * calls) / ms).toFixed(0)}/s), ` +
      `client and broker: ${bytes('sent')} sent, ${bytes('received')} received, client ${memory} MB`,
  );
  await executor.backend.endJob(job.job);
  await job.close();
}
