/**
 * The ssh backend with local storage and storage monitoring on two addresses of one ssh server, as the suites use it.
 * The server is somebody else's business: `SPLITROCK_TEST_SSH_HOST` (`user@127.0.0.1:port`; it answers at 127.0.0.2 too),
 * `SPLITROCK_TEST_SSH_IDENTITY_FILE` and `SPLITROCK_TEST_SSH_KNOWN_HOSTS_FILE` say where it is.
 */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plugin as monitoring } from '@splitrock/monitoring-storage';
import { plugin as storage } from '@splitrock/storage-local';
import type { BackendHarness } from '@splitrock/testkit';
import { plugin as backend } from '../src/plugin.ts';

export interface SshHarness extends BackendHarness {
  /** The options of its backend. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly directory: string;
  /** The launcher of a worker on its host, and the server's process that serves its connection. */
  sessionOf(workerId: string): Promise<{ readonly launcher: number; readonly server: number }>;
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`Set ${name}: these tests need an ssh server.`);
  return value;
}

/** The two addresses of the server. */
export function testHosts(): readonly [string, string] {
  const first = variable('SPLITROCK_TEST_SSH_HOST');
  return [first, first.replace('127.0.0.1', '127.0.0.2')];
}

export async function makeSshHarness(changes: Readonly<Record<string, unknown>> = {}): Promise<SshHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'splitrock-ssh-test-'));
  const options = {
    hosts: testHosts(),
    identityFile: variable('SPLITROCK_TEST_SSH_IDENTITY_FILE'),
    knownHostsFile: variable('SPLITROCK_TEST_SSH_KNOWN_HOSTS_FILE'),
    directory: join(directory, 'runtimes'),
    slots: 1,
    ...changes,
  };
  const workerPid = async (workerId: string): Promise<number | undefined> => {
    const found = (await processes()).find(
      ({ command, environment }) => command.includes('--bootstrap') && environment.includes(`splitrock-${workerId}-`),
    );
    return found?.pid;
  };
  return {
    options,
    backend: { plugin: backend, module: new URL('../src/index.ts', import.meta.url).href, options },
    storage: {
      plugin: storage,
      module: import.meta.resolve('@splitrock/storage-local'),
      options: { directory: join(directory, 'storage') },
    },
    monitoring: { plugin: monitoring, module: import.meta.resolve('@splitrock/monitoring-storage'), options: {} },
    directory,
    async sessionOf(workerId) {
      const launcher = (await processes()).find(
        ({ command }) => command.startsWith('node --eval') && command.includes(workerId),
      );
      if (launcher === undefined) throw new Error(`No launcher of ${workerId}.`);
      return { launcher: launcher.pid, server: await parentOf(launcher.pid) };
    },
    async killWorker(workerId) {
      const pid = await workerPid(workerId);
      // One that has just been killed may not have been missed yet.
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    },
    leftovers,
    close: () => rm(directory, { recursive: true }),
  };
}

/** Worker ids hold the executor's, and are in all that a worker is: its launcher's command, its folder, its variables. */
export async function leftovers(executorId: string): Promise<readonly string[]> {
  const running = (await processes()).filter(
    ({ command, environment }) => command.includes(executorId) || environment.includes(executorId),
  );
  const files = (await readdir(tmpdir())).filter((name) => name.includes(executorId));
  return [...running.map(({ pid, command }) => `process ${pid}: ${command}`), ...files.map((name) => `folder ${name}`)];
}

interface ProcessFacts {
  readonly pid: number;
  readonly command: string;
  readonly environment: string;
}

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]);
}

/** Linux only. A zombie has neither. */
export async function processes(): Promise<readonly ProcessFacts[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const read = (pid: string, name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
  return Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      command: (await read(pid, 'cmdline')).replaceAll('\0', ' '),
      environment: await read(pid, 'environ'),
    })),
  );
}
