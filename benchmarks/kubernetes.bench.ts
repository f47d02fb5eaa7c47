/**
 * The Kubernetes backends on two nodes that advertise 128 CPUs each. k8s-rabbitmq: cold and warm starts, one call, a
 * thousand, and how a job's cost grows with its calls; status travels over RabbitMQ. k8s, the classic one: starts, and a
 * thousand calls; warm is its master, while each job has pods of its own. Objects are in Redis.
 *
 *     npm run bench -- kubernetes                     everything, on a real cluster (root, Debian)
 *     npm run bench -- kubernetes --simulated         on a simulated cluster, whose pods are processes, with a real broker
 *     npm run bench -- kubernetes single noop         some parts: sleep-async, sleep-processes, single, noop, scale,
 *                                                     sleep-classic, noop-classic
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import type { FunctionExecutor } from 'splitrock';
import { conclude, exponent, median, milliseconds, seconds, type Verdict } from './measure.ts';
import { startBarePod } from './src/bare-pod.ts';
import { executorOn, type BackendOptions } from './src/bench-executor.ts';
import { peakOfClientMemory } from './src/client-memory.ts';
import { CountingProxy } from './src/counting-proxy.ts';
import { NODES, withRealCluster, withSimulatedCluster, type BenchSurroundings } from './src/kubernetes-surroundings.ts';

const SLEEPERS = 225;
const SLEEP_SECONDS = 5;
const WARM_ROUNDS = 3;
const SINGLE_CALLS = 100;
const NOOP_ROUNDS = 7;
const args = process.argv.slice(2);
const isSimulated = args.includes('--simulated');
const chosen = new Set(args.filter((arg) => !arg.startsWith('--')));
const wants = (part: string): boolean => chosen.size === 0 || chosen.has(part);
const verdicts: Verdict[] = [];

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const noop = (n: number): number => n;
const sleep = async (n: number): Promise<{ n: number; ran: string }> => {
  const { hostname } = await import('node:os');
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  return { n, ran: `${process.env['SPLITROCK_WORKER_ID'] ?? hostname()}/${process.pid}` };
};

/** Hundreds of waiting calls in one process of each node. */
const ASYNC: BackendOptions = { backend: 'k8s-rabbitmq', slots: { callsPerProcess: 128 }, maxProcesses: 1 };
/** A process for each call. */
const PROCESSES: BackendOptions = { backend: 'k8s-rabbitmq', slots: { callsPerProcess: 1 } };
/** One process on each node: what two real cores are used well by. */
const FEW: BackendOptions = { backend: 'k8s-rabbitmq', slots: { callsPerProcess: 1 }, maxProcesses: 1 };

/** What a warm run may take, and a cold one over what a bare pod needs to start and the calls sleep. */
interface SleepBounds {
  readonly warm: number;
  readonly coldMore?: number;
}
const WARM_WORKERS: SleepBounds = { warm: 5.5, coldMore: 1.5 };
const WARM_MASTER: SleepBounds = { warm: 7 };

tellConditions();
await (isSimulated ? withSimulatedCluster : withRealCluster)(async (surroundings) => {
  if (wants('sleep-async')) await benchSleep(surroundings, 'calls of one process', ASYNC, WARM_WORKERS);
  if (wants('sleep-processes')) await benchSleep(surroundings, 'processes', PROCESSES, WARM_WORKERS);
  if (wants('sleep-classic')) await benchSleep(surroundings, 'k8s', { ...ASYNC, backend: 'k8s' }, WARM_MASTER);
  if (wants('single')) await benchSingle(surroundings);
  if (wants('noop')) await benchNoop(surroundings, FEW, 1_000);
  if (wants('noop-classic')) await benchNoop(surroundings, { ...FEW, backend: 'k8s' }, 5_000);
  if (wants('scale')) await benchScale(surroundings);
});
console.log(`Load at the end: ${load()}`);
conclude(verdicts);

/** (a) */
async function benchSleep(
  surroundings: BenchSurroundings,
  kind: string,
  options: BackendOptions,
  bounds: SleepBounds,
): Promise<void> {
  const bare: number[] = [];
  for (let round = 0; round < 3; round += 1) bare.push(await startBarePod(surroundings));
  const before = load();
  await using executor = executorOn(surroundings, options);
  const ran = new Set<string>();
  const run = async (): Promise<void> => {
    const results = await executor.map(sleep, numbers(SLEEPERS));
    if (results.length !== SLEEPERS || results.some(({ n }, index) => n !== index)) throw new Error('wrong results');
    ran.clear();
    for (const result of results) ran.add(result.ran);
  };
  const cold = await seconds(run);
  const warm: number[] = [];
  for (let round = 0; round < WARM_ROUNDS; round += 1) warm.push(await seconds(run));
  const pods = new Set([...ran].map((each) => each.split('/')[0]));
  console.log(
    `\n${SLEEPERS} calls that sleep ${SLEEP_SECONDS} s, ${kind}. Load before: ${before}. A bare pod: ` +
      `${bare.map((s) => s.toFixed(2)).join(', ')} s. Cold: ${cold.toFixed(2)} s. Warm: ` +
      `${warm.map((s) => s.toFixed(2)).join(', ')} s, in ${ran.size} processes of ${pods.size} pods.`,
  );
  if (bounds.coldMore !== undefined) {
    const allowed = median(bare) + SLEEP_SECONDS + bounds.coldMore;
    verdicts.push(atMost(`${SLEEPERS} sleeping calls, cold, ${kind}`, cold, allowed, 's'));
  }
  verdicts.push(atMost(`${SLEEPERS} sleeping calls, warm, ${kind}`, median(warm), bounds.warm, 's'));
}

/** (b) */
async function benchSingle(surroundings: BenchSurroundings): Promise<void> {
  await using executor = executorOn(surroundings, FEW);
  for (let n = 0; n < 20; n += 1) await executor.callAsync(noop, n);
  const before = load();
  const times: number[] = [];
  for (let n = 0; n < SINGLE_CALLS; n += 1) {
    times.push(
      await seconds(async () => {
        if ((await executor.callAsync(noop, n)) !== n) throw new Error('wrong result');
      }),
    );
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => milliseconds(sorted[Math.floor(share * (sorted.length - 1))] ?? NaN);
  console.log(
    `\nOne warm call, round trip, ${SINGLE_CALLS} times: least ${at(0)}, median ${at(0.5)}, 90th percentile ${at(0.9)}. Load before: ${before}.`,
  );
  verdicts.push(atMost('one warm no-op call, median', median(times) * 1_000, 20, 'ms'));
}

/** (c) */
async function benchNoop(surroundings: BenchSurroundings, options: BackendOptions, boundMs: number): Promise<void> {
  await using executor = executorOn(surroundings, options);
  await executor.map(noop, numbers(1_000));
  const before = load();
  const times: number[] = [];
  for (let round = 0; round < NOOP_ROUNDS; round += 1) times.push(await seconds(() => mapChecked(executor, 1_000)));
  const { backend } = options;
  console.log(
    `\n1,000 no-op calls, warm, ${backend}: ${times.map((s) => milliseconds(s)).join(', ')}. Load before: ${before}.`,
  );
  verdicts.push(atMost(`1,000 no-op calls, warm, ${backend}, median`, median(times) * 1_000, boundMs, 'ms'));
}

/** (d) Time, memory and traffic each in runs of their own: collecting garbage and counting bytes cost time. */
async function benchScale(surroundings: BenchSurroundings): Promise<void> {
  const points: { calls: number; s: number; memoryMiB: number; trafficMB: number }[] = [];
  for (const calls of [10_000, 30_000, 100_000]) {
    await using executor = executorOn(surroundings, FEW);
    await mapChecked(executor, 1_000);
    const s = await seconds(() => mapChecked(executor, calls));
    points.push({ calls, s, memoryMiB: NaN, trafficMB: NaN });
  }
  for (const point of points) point.memoryMiB = (await peakOfClientMemory(surroundings, FEW, point.calls)) / 2 ** 20;
  const { proxy, url } = await CountingProxy.start(surroundings.amqpUrl);
  await using _proxy = proxy;
  for (const point of points) {
    await using executor = executorOn({ ...surroundings, amqpUrl: url }, FEW);
    await mapChecked(executor, 1_000);
    const before = proxy.bytes;
    await mapChecked(executor, point.calls);
    point.trafficMB = (proxy.bytes - before) / 1e6;
  }
  console.log(`\nNo-op calls in one job, from submission to checked results. Load after: ${load()}.`);
  console.table(
    points.map(({ calls, s, memoryMiB, trafficMB }) => ({
      calls,
      seconds: s.toFixed(2),
      'calls/s': Math.round(calls / s),
      'client MiB in use, over rest': memoryMiB.toFixed(1),
      'bytes in use per call': Math.round((memoryMiB * 2 ** 20) / calls),
      'to and from the broker, MB': trafficMB.toFixed(1),
      'bytes of it per call': Math.round((trafficMB * 1e6) / calls),
    })),
  );
  for (const [what, of] of [
    ['time', 's'],
    ['client memory', 'memoryMiB'],
    ['broker traffic', 'trafficMB'],
  ] as const) {
    const grows = exponent(points.map((point) => ({ x: point.calls, y: point[of] })));
    verdicts.push(atMost(`growth of ${what}, exponent`, grows, 1.05, ''));
  }
}

async function mapChecked(executor: FunctionExecutor, calls: number): Promise<void> {
  const results = await executor.map(noop, numbers(calls));
  if (results.length !== calls || results.some((value, index) => value !== index)) throw new Error('wrong results');
}

function tellConditions(): void {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, commit ${commit.trim()}, ` +
      `load ${load()}; ${isSimulated ? 'simulated' : 'real'} cluster: ${NODES.map(({ name, cpu }) => `${name} advertises ${cpu} CPUs`).join(', ')}`,
  );
}

function load(): string {
  return loadavg()
    .map((each) => each.toFixed(1))
    .join(' ');
}

function atMost(what: string, measured: number, bound: number, unit: string): Verdict {
  const digits = unit === 'ms' ? 1 : 2;
  const text = (value: number): string => `${value.toFixed(digits)} ${unit}`.trim();
  return { what, measured: text(measured), bound: `at most ${text(bound)}`, kept: measured <= bound };
}
