/** The localhost backend with local storage and storage monitoring, in a folder of its own, as the suites use it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { plugin as monitoring } from '@splitrock/monitoring-storage';
import { plugin as storage } from '@splitrock/storage-local';
import type { BackendHarness } from '@splitrock/testkit';
import { plugin as backend } from '../src/plugin.ts';

export interface LocalhostHarness extends BackendHarness {
  /** Processes that this harness's backends started, however far down and whoever is their parent now. */
  processes(): Promise<readonly number[]>;
}

/** The process of a worker, which its id names. */
export const pidOf = (workerId: string): number => Number(workerId.split('-')[1]);

const resolveModule = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href;

/**
 * Takes over this process's temporary folder and marks its environment, both of which workers inherit: so it is seen
 * what they leave on disk, and which processes are theirs.
 */
export async function makeLocalhostHarness(options: Readonly<Record<string, unknown>> = {}): Promise<LocalhostHarness> {
  const before = process.env['TMPDIR'];
  const directory = await mkdtemp(join(tmpdir(), 'splitrock-localhost-test-'));
  const temporary = await mkdtemp(join(directory, 'tmp-'));
  const mark = `SPLITROCK_TEST_MARK=${randomUUID()}`;
  process.env['TMPDIR'] = temporary;
  process.env['SPLITROCK_TEST_MARK'] = mark.split('=')[1];
  const processes = (): Promise<readonly number[]> => processesMarked(mark);
  return {
    backend: { plugin: backend, module: new URL('../src/index.ts', import.meta.url).href, options },
    storage: {
      plugin: storage,
      module: resolveModule('@splitrock/storage-local'),
      options: { directory: join(directory, 'storage') },
    },
    monitoring: { plugin: monitoring, module: resolveModule('@splitrock/monitoring-storage'), options: {} },
    processes,
    async killWorker(workerId) {
      process.kill(pidOf(workerId), 'SIGKILL');
    },
    async leftovers() {
      const pids = (await processes()).map((pid) => `process ${pid}`);
      return [...pids, ...(await readdir(temporary)).map((name) => `temporary file ${name}`)];
    },
    async close() {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      delete process.env['SPLITROCK_TEST_MARK'];
      await rm(directory, { recursive: true });
    },
  };
}

/**
 * Processes that have `NAME=value` in the environment they were started with. Linux only, as the tests that use it. A
 * zombie has no environment, so it does not count.
 */
export async function processesMarked(mark: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.split('\0').includes(mark) ? [Number(pid)] : [];
    }),
  );
  return marked.flat();
}
