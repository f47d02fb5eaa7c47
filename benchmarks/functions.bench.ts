/**
 * What it costs to ship a function: to capture it, to bundle it with what it imports, and to start a worker that runs it.
 *
 *     npm run bench -- functions              everything
 *     npm run bench -- functions ship start   some parts: ship, start
 *
 * Each function is shipped by a program of its own in a project made for it, so that "first" is the first of its process.
 * The shipper is not exported: those programs run the sources, with `node --conditions=@splitrock/source`.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FunctionExecutor } from 'splitrock';
import { conclude, median, milliseconds, seconds, type Verdict } from './measure.ts';

/** What a program prints; seconds, in order: the first of each is the first of its process. */
interface ShippingTimes {
  readonly capture: readonly number[];
  readonly bundle: readonly number[];
  readonly artifactBytes: number;
  readonly environmentBytes: number;
}

interface Program {
  readonly name: string;
  /** Packages that the function imports. */
  readonly packages: readonly string[];
  /** Statements before it. */
  readonly before: string;
  readonly fn: string;
  readonly repetitions: number;
  /** Whether the function is small enough for the bound on a repeated capture. */
  readonly isSmall: boolean;
}

const ROUNDS = 3;
const START_ROUNDS = 7;
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const PROBE = new URL('../packages/core/test/functions/shipping-probe.ts', import.meta.url).href;
const small = { repetitions: 100, isSmall: true };

const PROGRAMS: readonly Program[] = [
  {
    name: 'a small closure',
    packages: [],
    before: 'const factor = 3; const unit = "cm"; const scale = (n) => n * factor + unit;',
    fn: 'scale',
    ...small,
  },
  {
    name: 'a small closure made anew each time',
    packages: [],
    before: 'const factor = 3; const unit = "cm";',
    fn: '(n) => n * factor + unit',
    ...small,
  },
  {
    name: '50,000 captured objects',
    packages: [],
    before: 'const rows = Array.from({ length: 50_000 }, (_, id) => ({ id, name: `row ${id}` }));',
    fn: '(n) => rows[n].name',
    repetitions: 5,
    isSmall: false,
  },
  {
    name: 'zod',
    packages: ['zod'],
    before: `import { z } from 'zod';`,
    fn: '(n) => z.number().parse(n)',
    ...small,
  },
  {
    name: 'lodash-es',
    packages: ['lodash-es'],
    before: `import { chunk } from 'lodash-es';`,
    fn: '(n) => chunk([1, 2, 3], n)',
    ...small,
  },
  {
    name: '@aws-sdk/client-s3',
    packages: ['@aws-sdk/client-s3'],
    before: `import { S3Client } from '@aws-sdk/client-s3';`,
    fn: `(n) => new S3Client({ region: 'eu-west-1' }).config.apiVersion + n`,
    ...small,
  },
];

const folder = await mkdtemp(join(tmpdir(), 'splitrock-bench-'));
const chosen = new Set(process.argv.slice(2));
const wants = (part: string): boolean => chosen.size === 0 || chosen.has(part);
const verdicts: Verdict[] = [];

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, load ${load()}\n`,
);
try {
  if (wants('ship')) await benchShipping();
  if (wants('start')) await benchStart();
  console.log(`Load at the end: ${load()}`);
  conclude(verdicts);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Other work on the machine adds to every time here. */
function load(): string {
  return `${loadavg()[0]?.toFixed(1)}`;
}

async function benchShipping(): Promise<void> {
  const rows: Record<string, string>[] = [];
  for (const [index, program] of PROGRAMS.entries()) {
    const missing = program.packages.filter((name) => !isInstalled(name));
    if (missing.length > 0) console.log(`Left out, as it is not installed: ${missing.join(', ')}`);
    else rows.push(await benchProgram(program, join(folder, `project-${index}`)));
  }
  console.log(`Shipping; medians of ${ROUNDS} processes with an empty cache and ${ROUNDS} with the disk's cache:`);
  console.table(rows);
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(`${name}/package.json`);
    return true;
  } catch (error) {
    // There, but not to be imported from outside.
    return (error as { code?: string }).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
  }
}

async function benchProgram(program: Program, project: string): Promise<Record<string, string>> {
  await makeProject(program, project);
  const empty: ShippingTimes[] = [];
  const cached: ShippingTimes[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await rm(join(project, 'node_modules/.cache'), { recursive: true, force: true });
    empty.push(await runProgram(project));
    cached.push(await runProgram(project));
  }
  const all = [...empty, ...cached];
  const captureAgain = medianOf(all, ({ capture }) => median(capture.slice(1)));
  const bundleAgain = medianOf(all, ({ bundle }) => median(bundle.slice(1)));
  if (program.isSmall) verdicts.push(atMostOneMs(`repeated capture, ${program.name}`, captureAgain));
  verdicts.push(atMostOneMs(`cached bundle, ${program.name}`, bundleAgain));
  return {
    function: program.name,
    'first capture': milliseconds(medianOf(all, ({ capture }) => capture[0])),
    'repeated capture': milliseconds(captureAgain),
    'first bundle': milliseconds(medianOf(empty, ({ bundle }) => bundle[0])),
    'bundle cached on disk': milliseconds(medianOf(cached, ({ bundle }) => bundle[0])),
    'cached in the process': milliseconds(bundleAgain),
    artifact: kibibytes(medianOf(all, ({ artifactBytes }) => artifactBytes)),
    environment: kibibytes(medianOf(all, ({ environmentBytes }) => environmentBytes)),
  };
}

function medianOf(runs: readonly ShippingTimes[], value: (run: ShippingTimes) => number | undefined): number {
  return median(runs.map((run) => value(run) ?? Number.NaN));
}

async function makeProject({ packages, before, fn, repetitions }: Program, project: string): Promise<void> {
  await mkdir(join(project, 'node_modules'), { recursive: true });
  for (const name of packages) {
    const link = join(project, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(MODULES, name), link, 'junction');
  }
  const program = [before, `import { probe } from '${PROBE}';`, `await probe(() => ${fn}, ${repetitions});`];
  await writeFile(join(project, 'program.mjs'), `${program.join('\n')}\n`);
}

async function runProgram(project: string): Promise<ShippingTimes> {
  const args = ['--conditions=@splitrock/source', 'program.mjs'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project });
  return JSON.parse(stdout) as ShippingTimes;
}

async function benchStart(): Promise<void> {
  const first: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < START_ROUNDS; round += 1) {
    await using executor = new FunctionExecutor({
      logLevel: 'error',
      cwd: folder,
      storages: { local: { directory: join(folder, `storage-${round}`) } },
      backends: { localhost: { workerProcesses: 1 } },
    });
    const call = (): Promise<number> =>
      seconds(async () => {
        if ((await executor.callAsync((n: number) => n + 1, 1)) !== 2) throw new Error('The result is wrong.');
      });
    first.push(await call());
    warm.push(await call());
  }
  console.log('Localhost with one process, from the call on a new executor to its result:');
  console.table([
    { what: 'first executor of the program', time: milliseconds(first[0] ?? Number.NaN) },
    { what: `later executors, median of ${START_ROUNDS - 1}`, time: milliseconds(median(first.slice(1))) },
    { what: `second call, median of ${START_ROUNDS}`, time: milliseconds(median(warm)) },
  ]);
}

function atMostOneMs(what: string, s: number): Verdict {
  return { what, measured: milliseconds(s), bound: 'at most 1 ms', kept: s <= 0.001 };
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
