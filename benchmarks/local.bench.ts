/**
 * The localhost backend beside tinypool's processes and Dask's LocalCluster, and how a job's cost grows with its calls.
 *
 *     npm run bench -- local              everything
 *     npm run bench -- local noop scale   some parts: noop, single, wait, work, scale, idle
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FunctionExecutor, type ExecutorOptions } from 'splitrock';
import { Tinypool } from 'tinypool';
import { countedOperations } from './counting-storage.ts';
import {
  conclude,
  exponent,
  interleaved,
  median,
  milliseconds,
  seconds,
  type Contender,
  type Verdict,
} from './measure.ts';
import { Dask } from './peers/dask.ts';

const ROUNDS = 7;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const noop = (n: number): number => n;
const nap = async (n: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return n;
};
const spin = (n: number): number => {
  const end = performance.now() + 50;
  while (performance.now() < end);
  return n;
};

const folder = await mkdtemp(join(tmpdir(), 'splitrock-bench-'));
const chosen = new Set(process.argv.slice(2));
const wants = (part: string): boolean => chosen.size === 0 || chosen.has(part);
const verdicts: Verdict[] = [];

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB\n`,
);
if (wants('noop')) await benchNoop();
if (wants('single')) await benchSingle();
if (wants('wait')) await benchWaiting();
if (wants('work')) await benchWork();
if (wants('scale')) await benchScale();
if (wants('idle')) await benchIdle();
conclude(verdicts);
await rm(folder, { recursive: true, force: true });

function executorWith(localhost: object, options: ExecutorOptions = {}): FunctionExecutor {
  return new FunctionExecutor({
    logLevel: 'error',
    cwd: folder,
    storages: { local: { directory: join(folder, 'storage') } },
    backends: { localhost: { workerProcesses: 2, ...localhost } },
    ...options,
  });
}

function assertSame(results: readonly unknown[], count: number): void {
  if (results.length !== count || results.some((value, index) => value !== index))
    throw new Error('Results are wrong.');
}

function tinypool(): Tinypool {
  return new Tinypool({
    runtime: 'child_process',
    filename: fileURLToPath(new URL('./peers/tinypool-worker.mjs', import.meta.url)),
    minThreads: 2,
    maxThreads: 2,
  });
}

async function benchNoop(): Promise<void> {
  const CALLS = 10_000;
  await using executor = executorWith({});
  const pool = tinypool();
  const dask = await Dask.start();
  const contenders: Contender[] = [
    { name: 'splitrock', run: () => seconds(async () => assertSame(await executor.map(noop, numbers(CALLS)), CALLS)) },
    {
      name: 'tinypool',
      run: () => seconds(async () => assertSame(await Promise.all(numbers(CALLS).map((n) => pool.run(n))), CALLS)),
    },
    ...(dask === undefined ? [] : [{ name: 'dask', run: () => dask.run(`noop ${CALLS}`) }]),
  ];
  const measured = await interleaved(contenders, ROUNDS);
  console.log(`${CALLS} no-op calls, two processes, warm, results checked; ${ROUNDS} interleaved rounds:`);
  console.table(
    measured.map(({ name, median: s }) => ({ name, median: milliseconds(s), 'calls/s': Math.round(CALLS / s) })),
  );
  const rate = (name: string): number => CALLS / (measured.find((entry) => entry.name === name)?.median ?? Number.NaN);
  verdicts.push(verdict('no-op rate against tinypool', rate('splitrock') / rate('tinypool'), 1));
  if (dask !== undefined) verdicts.push(verdict('no-op rate against Dask', rate('splitrock') / rate('dask'), 10));
  await pool.destroy();
  await dask?.stop();
}

async function benchSingle(): Promise<void> {
  await using executor = executorWith({});
  const dask = await Dask.start();
  // Enough of them that Node has compiled what they run: a warm call is not one of the first hundred.
  const CALLS = 200;
  const contenders: Contender[] = [
    {
      name: 'splitrock',
      run: async () => {
        const times: number[] = [];
        for (let n = 0; n < CALLS; n += 1) times.push(await seconds(() => executor.callAsync(noop, n)));
        return median(times);
      },
    },
    ...(dask === undefined ? [] : [{ name: 'dask', run: () => dask.run(`single ${CALLS}`) }]),
  ];
  const measured = await interleaved(contenders, ROUNDS);
  console.log(`One warm call, round trip; medians of ${CALLS} in ${ROUNDS} interleaved rounds:`);
  console.table(measured.map(({ name, median: s }) => ({ name, median: milliseconds(s) })));
  const ours = measured[0]?.median ?? Number.NaN;
  verdicts.push({ what: 'one warm call', measured: milliseconds(ours), bound: 'at most 2 ms', kept: ours <= 0.002 });
  await dask?.stop();
}

async function benchWaiting(): Promise<void> {
  const CALLS = 5_000;
  await using executor = executorWith({ callsPerProcess: 500 });
  const [measured] = await interleaved(
    [{ name: 'splitrock', run: () => seconds(async () => assertSame(await executor.map(nap, numbers(CALLS)), CALLS)) }],
    ROUNDS,
  );
  const ideal = (CALLS / 1_000) * 0.1;
  const ratio = (measured?.median ?? Number.NaN) / ideal;
  console.log(
    `${CALLS} calls that wait 100 ms, two processes with 500 each: ${milliseconds(measured?.median ?? 0)} (ideal ${milliseconds(ideal)})\n`,
  );
  verdicts.push({
    what: 'waiting calls against the ideal',
    measured: ratio.toFixed(2),
    bound: 'at most 1.3',
    kept: ratio <= 1.3,
  });
}

async function benchWork(): Promise<void> {
  const CALLS = 200;
  await using executor = executorWith({});
  const pool = tinypool();
  const contenders: Contender[] = [
    { name: 'splitrock', run: () => seconds(async () => assertSame(await executor.map(spin, numbers(CALLS)), CALLS)) },
    {
      name: 'tinypool',
      run: () => seconds(() => Promise.all(numbers(CALLS).map((n) => pool.run(n, { name: 'spin' })))),
    },
  ];
  const measured = await interleaved(contenders, 3);
  const ideal = (CALLS * 0.05) / 2;
  console.log(`${CALLS} calls of 50 ms of work, two slots (ideal ${milliseconds(ideal)}):`);
  console.table(
    measured.map(({ name, median: s }) => ({ name, median: milliseconds(s), 'of the ideal': (s / ideal).toFixed(3) })),
  );
  const ratio = (measured[0]?.median ?? Number.NaN) / ideal;
  verdicts.push({
    what: 'working calls against the ideal',
    measured: ratio.toFixed(3),
    bound: 'at most 1.05',
    kept: ratio <= 1.05,
  });
  await pool.destroy();
}

async function benchScale(): Promise<void> {
  const ROUNDS_OF_SCALE = 3;
  const operations = new Map<number, number>();
  const contenders = [1_000, 10_000, 100_000, 1_000_000].map((calls) => ({
    name: String(calls),
    run: async (): Promise<number> => {
      const directory = join(folder, `scale-${calls}`);
      await using executor = executorWith(
        {},
        {
          storage: fileURLToPath(new URL('./counting-storage.ts', import.meta.url)),
          storages: { counting: { directory } },
        },
      );
      await executor.map(noop, numbers(10));
      const before = countedOperations(directory);
      const s = await seconds(async () => assertSame(await executor.map(noop, numbers(calls)), calls));
      operations.set(calls, countedOperations(directory) - before);
      return s;
    },
  }));
  const measured = await interleaved(contenders, ROUNDS_OF_SCALE);
  const points = measured.map(({ name, median: s }) => ({
    calls: Number(name),
    s,
    operations: operations.get(Number(name)) ?? Number.NaN,
  }));
  console.log(
    `No-op calls in one job, from submission to checked results; ${ROUNDS_OF_SCALE} interleaved rounds, growth from the line above:`,
  );
  console.table(
    points.map(({ calls, s, operations: count }, index) => {
      const step = points.slice(Math.max(0, index - 1), index + 1).map((point) => ({ x: point.calls, y: point.s }));
      return {
        calls,
        seconds: s.toFixed(2),
        'growth, exponent': step.length < 2 ? '' : exponent(step).toFixed(2),
        'storage operations': count,
      };
    }),
  );
  const time = exponent(points.map(({ calls, s }) => ({ x: calls, y: s })));
  const ofOperations = exponent(points.map(({ calls, operations: count }) => ({ x: calls, y: count })));
  // The most it ever was, the largest jobs included.
  const memory = process.resourceUsage().maxRSS / 2 ** 10;
  verdicts.push(
    { what: 'growth of time, exponent', measured: time.toFixed(2), bound: 'at most 1.05', kept: time <= 1.05 },
    {
      what: 'growth of storage operations, exponent',
      measured: ofOperations.toFixed(2),
      bound: 'at most 1.05',
      kept: ofOperations <= 1.05,
    },
    {
      what: 'client memory at a million calls',
      measured: `${memory.toFixed(0)} MiB`,
      bound: 'under 1024 MiB',
      kept: memory < 1024,
    },
  );
}

async function benchIdle(): Promise<void> {
  await using executor = executorWith({});
  const slots = await executor.map(() => ({ slot: process.pid, worker: process.ppid }), [1, 2, 3, 4]);
  const pids = [...new Set([process.pid, ...slots.flatMap(({ slot, worker }) => [slot, worker])])];
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const ticks = async (): Promise<number> => (await Promise.all(pids.map(cpuTicks))).reduce((a, b) => a + b, 0);
  const before = await ticks();
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const used = (await ticks()) - before;
  console.log(`Idle for 5 s: ${used} clock ticks (of 10 ms) in ${pids.length} processes: client, worker, slots\n`);
  verdicts.push({
    what: 'CPU of an idle executor in 5 s',
    measured: `${used * 10} ms`,
    bound: 'at most 10 ms',
    kept: used <= 1,
  });
}

/** User and system time of a process, in clock ticks. */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function verdict(what: string, ratio: number, atLeast: number): Verdict {
  return { what, measured: `${ratio.toFixed(2)} ×`, bound: `at least ${atLeast} ×`, kept: ratio >= atLeast };
}
