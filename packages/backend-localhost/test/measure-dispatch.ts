/**
 * Measures the localhost backend with local storage and storage monitoring, two slot processes:
 *
 *     node --conditions=@splitrock/source test/measure-dispatch.ts
 *
 * Prints milliseconds, and how many messages went over the channel between client and worker.
 */
import { FrameDecoder } from '@splitrock/worker';
import { ExecutorFixture, type ConformanceJob } from '@splitrock/testkit';
import { FrameChannel, decodeMessage, type WorkerMessage } from '@splitrock/worker/stream';
import { makeLocalhostHarness } from './localhost-harness.ts';

const CALLS = 10_000;
const ROUNDS = 5;
const SINGLE_CALLS = 300;

const messages = { sent: 0, received: 0 };
/** When the worker said of a call that it goes to a slot, by call id. */
const startedAt = new Map<number, number>();
countMessages();

const harness = await makeLocalhostHarness({ workerProcesses: 2 });
const begin = performance.now();
const executor = await ExecutorFixture.start(harness, 120_000);
const noop = (): undefined => undefined;
const first = await executor.job({ fn: noop, inputs: [0] });
await first.submit({ inputs: 'inline' });
await first.ended();
print('start of the backend to the first result', [performance.now() - begin]);
await throughput();
await latency();
await executor.close();
await harness.close();

async function throughput(): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const job = await executor.job({ fn: noop, inputs: Array.from({ length: CALLS }, () => 0) });
    const before = { ...messages };
    const from = performance.now();
    await job.submit({ inputs: 'inline' });
    await job.ended();
    times.push(performance.now() - from);
    await job.close();
    console.log(`  messages sent ${messages.sent - before.sent}, received ${messages.received - before.received}`);
  }
  print(`${CALLS} calls from submit to the last status`, times);
}

async function latency(): Promise<void> {
  const job = await executor.job({ fn: noop, inputs: Array.from({ length: SINGLE_CALLS }, () => 0) });
  const toSlot: number[] = [];
  const toStatus: number[] = [];
  for (let callId = 0; callId < SINGLE_CALLS; callId += 1) {
    const from = performance.now();
    startedAt.clear();
    await single(job, callId);
    toStatus.push(performance.now() - from);
    toSlot.push((startedAt.get(callId) ?? Number.NaN) - from);
  }
  print('one warm call: submit to the word that it goes to a slot (there and back)', toSlot);
  print('one warm call: submit to its status', toStatus);
}

async function single(job: ConformanceJob, callId: number): Promise<void> {
  const calls = { from: callId, to: callId + 1 };
  await job.submit({ calls, inputs: 'inline' });
  await job.ended(calls);
}

function print(what: string, times: readonly number[]): void {
  const sorted = times.filter((time) => !Number.isNaN(time)).toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
  console.log(`${what}: median ${at(0.5)}, best ${at(0)}, 95 % ${at(0.95)} ms (${sorted.length} of ${times.length})`);
}

function countMessages(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
  const { send } = FrameChannel.prototype;
  FrameChannel.prototype.send = function (payload) {
    messages.sent += 1;
    return send.call(this, payload);
  };
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
  const { push } = FrameDecoder.prototype;
  FrameDecoder.prototype.push = function (chunk) {
    const payloads = push.call(this, chunk);
    messages.received += payloads.length;
    const now = performance.now();
    for (const payload of payloads) noteStarts(decodeMessage<WorkerMessage>(payload), now);
    return payloads;
  };
}

function noteStarts(message: WorkerMessage, now: number): void {
  if (message.type !== 'answers') return;
  for (const [kind, , from] of message.answers) if (kind === 'started') startedAt.set(from, now);
}
