/**
 * Measures status from one process to another through local storage:
 *
 *     npx node --conditions=@splitrock/source test/measure.ts
 *
 * First 100,000 small events at full speed, then 1,000 single events one after the other.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger, systemClock, type CallFinished, type JobRef } from '@splitrock/core/plugin';
import { plugin as localStorage } from '@splitrock/storage-local';
import { InterceptedStorage } from '@splitrock/testkit';
import { StorageStatusPublisher, StorageStatusSubscriber, storageMonitoringOptionsSchema } from '../src/index.ts';

const EVENTS = 100_000;
const AT_ONCE = 256;
const SINGLE_EVENTS = 1_000;
const WORKER = 'measured';
const FLOOD: JobRef = { executorId: 'measurement1', jobNumber: 1 };
const SINGLES: JobRef = { executorId: 'measurement1', jobNumber: 2 };
const options = storageMonitoringOptionsSchema.parse({});

type Command = 'flood' | 'single' | 'stop';
type Report = 'ready' | { readonly puts: number } | { readonly durableAfterMs: number };

const finishedNow = (callId: number): CallFinished => ({
  type: 'finished',
  callId,
  attempt: 1,
  workerId: WORKER,
  slot: 0,
  startedAtMs: 0,
  finishedAtMs: systemClock.now(),
  outcome: { kind: 'value', inline: new Uint8Array(20) },
});

async function openStorage(directory: string): Promise<InterceptedStorage> {
  const storage = await localStorage.createStorage(localStorage.optionsSchema.parse({ directory }), {
    logger: silentLogger,
    clock: systemClock,
  });
  return new InterceptedStorage(storage);
}

async function publish(directory: string): Promise<void> {
  const storage = await openStorage(directory);
  const deps = { workerId: WORKER, tenant: 'measure', storage, logger: silentLogger, clock: systemClock };
  const publisher = new StorageStatusPublisher(options, deps);
  let next = 0;
  const perform = async (command: Command): Promise<Report | undefined> => {
    if (command === 'flood') {
      const publishOn = async (): Promise<void> => {
        while (next < EVENTS) await publisher.publish(FLOOD, [finishedNow(next++)]);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, publishOn));
      return { puts: storage.count('put') };
    }
    if (command === 'single') {
      const event = finishedNow(next++);
      await publisher.publish(SINGLES, [event]);
      return { durableAfterMs: systemClock.now() - event.finishedAtMs };
    }
    await publisher.close();
    await storage.close();
    process.disconnect();
    return undefined;
  };
  process.on('message', (command: Command) => {
    void perform(command).then((report) => report !== undefined && process.send?.(report));
  });
  process.send?.('ready' satisfies Report);
}

async function answerOf(child: ChildProcess, command?: Command): Promise<Report> {
  const answer = once(child, 'message');
  if (command !== undefined) child.send(command);
  const [report] = (await answer) as [Report];
  return report;
}

const percentile = (values: readonly number[], share: number): string =>
  (values.toSorted((left, right) => left - right)[Math.floor(values.length * share)] ?? NaN).toFixed(2);

async function measure(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'splitrock-measure-'));
  const storage = await openStorage(directory);
  const deps = { tenant: 'measure', executorId: FLOOD.executorId, storage, logger: silentLogger, clock: systemClock };
  const subscriber = new StorageStatusSubscriber(options, deps);
  const child = fork(fileURLToPath(import.meta.url), [directory], { execArgv: ['--conditions=@splitrock/source'] });
  try {
    await answerOf(child);
    await measureFlood(subscriber, storage, child);
    await measureSingles(subscriber, storage, child);
    child.send('stop' satisfies Command);
    await once(child, 'exit');
  } finally {
    child.kill();
    await subscriber.close();
    await storage.close();
    await rm(directory, { recursive: true });
  }
}

async function measureFlood(
  subscriber: StorageStatusSubscriber,
  storage: InterceptedStorage,
  child: ChildProcess,
): Promise<void> {
  let seen = 0;
  let seenAll: (() => void) | undefined;
  const allSeen = new Promise<void>((resolve) => (seenAll = resolve));
  const subscription = await subscriber.subscribe(
    FLOOD,
    (events) => {
      seen += events.length;
      if (seen >= EVENTS) seenAll?.();
    },
    (error) => console.error(error),
  );
  const beganAtMs = systemClock.now();
  const [report] = await Promise.all([answerOf(child, 'flood'), allSeen]);
  const seconds = (systemClock.now() - beganAtMs) / 1000;
  await subscription.close();
  const puts = typeof report === 'object' && 'puts' in report ? report.puts : undefined;
  console.log(`${EVENTS} events in ${seconds.toFixed(2)} s: ${Math.round(EVENTS / seconds)} events/s`);
  console.log(`  operations: ${puts} puts, ${storage.count('get')} gets, ${storage.count('list')} lists`);
}

async function measureSingles(
  subscriber: StorageStatusSubscriber,
  storage: InterceptedStorage,
  child: ChildProcess,
): Promise<void> {
  const seenAfterMs: number[] = [];
  const durableAfterMs: number[] = [];
  let arrived: (() => void) | undefined;
  const subscription = await subscriber.subscribe(
    SINGLES,
    (events) => {
      for (const event of events) {
        if (event.type === 'finished') seenAfterMs.push(systemClock.now() - event.finishedAtMs);
      }
      arrived?.();
    },
    (error) => console.error(error),
  );
  storage.resetCounts();
  for (let round = 0; round < SINGLE_EVENTS; round += 1) {
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const report = await answerOf(child, 'single');
    if (typeof report === 'object' && 'durableAfterMs' in report) durableAfterMs.push(report.durableAfterMs);
    await arrival;
  }
  await subscription.close();
  console.log(`${SINGLE_EVENTS} single events, milliseconds after publish was called:`);
  console.log(
    `  seen by the other process: median ${percentile(seenAfterMs, 0.5)}, 99 % ${percentile(seenAfterMs, 0.99)}`,
  );
  console.log(`  durable: median ${percentile(durableAfterMs, 0.5)}, 99 % ${percentile(durableAfterMs, 0.99)}`);
  console.log(`  operations: ${storage.count('get')} gets, ${storage.count('list')} lists`);
}

const [, , directory] = process.argv;
await (directory === undefined ? measure() : publish(directory));
