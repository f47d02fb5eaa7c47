/** What users are told when a host cannot be used, by a real ssh client and server. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ExecutorFixture } from '@splitrock/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeSshHarness, testHosts, type SshHarness } from './ssh-harness.ts';

const DEADLINE_MS = 40_000;
let folder: string;
let harness: SshHarness | undefined;
let executor: ExecutorFixture | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splitrock-ssh-trouble-'));
});
afterEach(async () => {
  await executor?.close();
  await harness?.close();
  executor = undefined;
  harness = undefined;
  await rm(folder, { recursive: true });
});

const double = (n: unknown): number => (n as number) * 2;

async function start(changes: Readonly<Record<string, unknown>>): Promise<ExecutorFixture> {
  harness = await makeSshHarness({ hosts: [testHosts()[0]], ...changes });
  executor = await ExecutorFixture.start(harness, DEADLINE_MS);
  return executor;
}

async function writeKnownHosts(text: string): Promise<string> {
  const file = join(folder, 'known_hosts');
  await writeFile(file, text);
  return file;
}

async function makeKey(name: string): Promise<string> {
  const file = join(folder, name);
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  return file;
}

/** A line of a known hosts file for the test's server, with this key. */
async function keyOfHost(key: string): Promise<string> {
  const [, port] = (testHosts()[0].split('@')[1] as string).split(':');
  return `[127.0.0.1]:${port} ${await readFile(`${key}.pub`, 'utf8')}`;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function script(text: string): Promise<string> {
  const file = join(folder, 'node');
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

interface Case {
  readonly name: string;
  readonly code: string;
  readonly message: RegExp;
  /** Its Node can be asked, though no worker runs. */
  readonly greets?: true;
  readonly changes: () => Promise<Readonly<Record<string, unknown>>>;
}

const CASES: readonly Case[] = [
  {
    name: 'has another key than the known one',
    code: 'SSH_HOST_KEY_CHANGED',
    message: /another key than the known one.*ssh-keygen -R '\[127\.0\.0\.1\]:\d+'/,
    changes: async () => ({ knownHostsFile: await writeKnownHosts(await keyOfHost(await makeKey('other_host'))) }),
  },
  {
    name: 'has another key, though new ones are accepted',
    code: 'SSH_HOST_KEY_CHANGED',
    message: /another key than the known one/,
    changes: async () => ({
      knownHostsFile: await writeKnownHosts(await keyOfHost(await makeKey('other_host'))),
      hostKeys: 'accept-new',
    }),
  },
  {
    name: 'has a key that nobody knows',
    code: 'SSH_HOST_KEY_UNKNOWN',
    message: /its key is not known here.*ssh -p \d+ \w+@127\.0\.0\.1/,
    changes: async () => ({ knownHostsFile: await writeKnownHosts('') }),
  },
  {
    name: 'refuses our key',
    code: 'SSH_LOGIN_REFUSED',
    message: /does not let us in .*Permission denied.*authorized_keys/,
    changes: async () => ({ identityFile: await makeKey('stranger') }),
  },
  {
    name: 'has no Node',
    code: 'SSH_NODE_MISSING',
    message: /Node is not found there.*node=\/nowhere\/node/,
    changes: async () => ({ node: '/nowhere/node' }),
  },
  {
    name: 'has a Node that is too old',
    code: 'SSH_NODE_UNSUITABLE',
    message: /its Node is 18\.1\.0, and workers need 20\.19 or newer/,
    changes: async () => {
      const preload = join(folder, 'old.cjs');
      await writeFile(preload, `Object.defineProperty(process.versions, 'node', { value: '18.1.0' });`);
      return { node: await script(`exec node --require '${preload}' "$@"`) };
    },
  },
  {
    name: 'cannot keep the runtime',
    code: 'SSH_RUNTIME_NOT_STORED',
    greets: true,
    message: /cannot be stored there .*\/a-file\/runtimes.*ENOTDIR.*another `directory`/,
    changes: async () => {
      await writeFile(join(folder, 'a-file'), '');
      return { directory: join(folder, 'a-file', 'runtimes') };
    },
  },
  {
    name: 'is not there',
    code: 'SSH_HOST_UNREACHABLE',
    message: /cannot be reached .*Connection refused/,
    changes: async () => ({ hosts: [`127.0.0.1:${await closedPort()}`] }),
  },
];

describe('when the only host', () => {
  it.each(CASES)('$name, who waits is told', async ({ code, message, greets, changes }) => {
    const waiting = await start(await changes());
    if (greets !== true) {
      const refused = { code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(message) as string };
      await expect(waiting.backend.runtime()).rejects.toMatchObject(refused);
    }
    const job = await waiting.job({ fn: double, inputs: [1, 2] });
    await job.submit();
    await job.ended();
    expect(job.lost(1)?.reason).toMatchObject({ kind: 'start-failed', message: expect.stringMatching(message) });
    expect(waiting.diagnoses[0]).toMatchObject({
      severity: 'error',
      code,
      message: expect.stringMatching(message),
    });
  });
});

describe('ssh backend', () => {
  it('works with the hosts that there are, and says which one is missing', async () => {
    const gone = `127.0.0.1:${await closedPort()}`;
    const working = await start({ hosts: [gone, testHosts()[1]] });
    const job = await working.job({ fn: double, inputs: [1, 2, 3] });
    await job.submit();
    await job.ended();
    expect(await job.values()).toEqual([2, 4, 6]);
    const long = await working.job({ fn: async () => new Promise(() => undefined), inputs: [0] });
    await long.submit();
    await working.until(() => working.diagnoses.length > 0, 'the missing host was told');
    expect(working.diagnoses).toEqual([
      expect.objectContaining({ severity: 'warning', code: 'SSH_HOST_UNREACHABLE', details: { host: gone } }),
    ]);
    await working.backend.cancel(long.job);
  });

  it('keeps the key of a host that it was told to accept', async () => {
    const knownHostsFile = await writeKnownHosts('');
    const working = await start({ knownHostsFile, hostKeys: 'accept-new' });
    const job = await working.job({ fn: double, inputs: [21] });
    await job.submit();
    await job.ended();
    expect(await job.value(0)).toBe(42);
    expect(await readFile(knownHostsFile, 'utf8')).toMatch(/ ssh-ed25519 /);
  });

  it('passes over what a login shell prints', async () => {
    const working = await start({ node: await script(`echo 'Welcome!'; exec node "$@"`) });
    const job = await working.job({ fn: double, inputs: [21] });
    await job.submit();
    await job.ended();
    expect(await job.value(0)).toBe(42);
  });

  it('uses as many processes as a host has CPUs, or as many as it is told to', async () => {
    const working = await start({ hosts: [testHosts()[0], { address: testHosts()[1], slots: 3 }], slots: undefined });
    const cpus = (await import('node:os')).availableParallelism();
    await working.until(() => working.workers.length === 2, 'both hosts are ready');
    expect(working.backend.capacity()).toEqual({ current: cpus + 3, max: cpus + 3 });
  });
});
