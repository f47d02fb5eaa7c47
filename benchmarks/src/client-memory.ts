/**
 * What a client has in use while a job runs: heap and buffers that survive a garbage collection, in a process of its own,
 * so that neither garbage nor what earlier jobs left to the allocator counts.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { executorOn, type BackendOptions } from './bench-executor.ts';
import type { BenchSurroundings } from './kubernetes-surroundings.ts';

type Task = readonly [BenchSurroundings, BackendOptions, number];

/** A job this large comes first: what every job needs is there then. */
const WARM_UP_CALLS = 1_000;
const LOOK_MS = 100;
/** V8 drops code that was not used for several collections: a megabyte that would hide what a small job takes. */
const LOOKS_AT_REST = 20;

/** The most bytes in use over what was in use before the job of so many no-op calls, its results included. */
export async function peakOfClientMemory(...task: Task): Promise<number> {
  const child = fork(fileURLToPath(import.meta.url), { execArgv: ['--expose-gc'] });
  child.send(task);
  const [answer] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (typeof answer !== 'object')
    throw new Error('The client whose memory was to be measured has ended without an answer.');
  await once(child, 'exit');
  return (answer as { readonly bytes: number }).bytes;
}

async function measure([surroundings, options, calls]: Task): Promise<number> {
  await using executor = executorOn(surroundings, options);
  const noop = (n: number): number => n;
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
  await executor.map(noop, numbers(WARM_UP_CALLS));
  const before = await inUseAtRest();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, inUse())), LOOK_MS);
  const results = await executor.map(noop, numbers(calls));
  clearInterval(timer);
  most = Math.max(most, inUse());
  if (results.length !== calls) throw new Error('wrong results');
  return most - before;
}

async function inUseAtRest(): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < LOOKS_AT_REST; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    least = Math.min(least, inUse());
  }
  return least;
}

function inUse(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [task] = (await once(process, 'message')) as [Task];
  const bytes = await measure(task);
  process.send?.({ bytes });
  process.disconnect();
}
