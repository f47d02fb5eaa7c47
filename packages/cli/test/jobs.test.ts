import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import {
  encodeJobDescriptor,
  formatJobId,
  jobDescriptorKey,
  jobObjectsPrefix,
  type JobDescriptor,
  type JobRef,
  type Storage,
} from '@splitrock/core/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliSandbox } from './cli-sandbox.ts';

let sandbox: CliSandbox;
let storage: Storage;
beforeEach(async () => {
  sandbox = new CliSandbox();
  storage = await sandbox.openStorage();
});
afterEach(async () => {
  await storage.close();
  sandbox.dispose();
});

const put = (key: string, text: string): Promise<unknown> => storage.put(key, new TextEncoder().encode(text));

async function keys(prefix = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list(prefix)) found.push(key);
  return found;
}

/** The number of a process that is over. */
const deadPid = (): number => spawnSync(process.execPath, ['--version']).pid;

const descriptor = (
  job: JobRef,
  client: { readonly host: string; readonly pid: number },
  tenant = 'default',
): JobDescriptor => ({
  ...job,
  tenant,
  name: 'resize',
  createdAtMs: Date.UTC(2026, 10, 24),
  function: { artifact: 'a'.repeat(64), environment: 'inline' },
  calls: 3,
  run: {
    timeoutMs: null,
    abortGraceMs: 0,
    killGraceMs: 0,
    env: {},
    memoryMiB: null,
    cpu: 1,
    chunkSize: null,
    maxLogBytes: 0,
    inlineResultBytes: 0,
  },
  client: { ...client, options: { detached: false } },
  environment: new Uint8Array(),
});

async function putJob(
  executorId: string,
  client: { readonly host: string; readonly pid: number },
  tenant?: string,
): Promise<string> {
  const job = { executorId, jobNumber: 1 };
  await storage.put(jobDescriptorKey(job), encodeJobDescriptor(descriptor(job, client, tenant)));
  await put(`${jobObjectsPrefix(job)}x`, 'y');
  return formatJobId(job);
}

const cleanJson = async (
  ...args: string[]
): Promise<{ jobs: { jobId: string }[]; kept: { jobId: string; reason: string }[]; removed: object }> => {
  const { exitCode, stdout, stderr } = await sandbox.run(['clean', '--json', ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
};

describe('jobs', { timeout: 60_000 }, () => {
  it('lists and shows what storage holds', async () => {
    const jobId = await putJob('listedlisted', { host: hostname(), pid: process.pid });
    const { stdout } = await sandbox.run(['jobs', 'list']);
    expect(stdout.split('\n')[1]?.replaceAll(/ {2,}/g, ' | ')).toMatch(
      new RegExp(`^${jobId} \\| resize \\| default \\| 3 \\| alive \\| .* B$`),
    );
    const shown = JSON.parse((await sandbox.run(['jobs', 'show', jobId, '--json'])).stdout);
    expect(shown).toMatchObject({
      jobId,
      name: 'resize',
      calls: 3,
      createdAt: '2026-11-24T00:00:00.000Z',
      client: 'alive',
      objects: 2,
      ended: {},
    });
  });

  it('says when there is no such job', async () => {
    expect(await sandbox.run(['jobs', 'show', 'nothingthere-1'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error JOB_NOT_FOUND: No job nothingthere-1 is in storage; `splitrock jobs list` lists those that are.\n',
    });
  });
});

describe('clean', { timeout: 60_000 }, () => {
  it('removes what a killed program left, and nobody else’s', async () => {
    const orphan = await putJob('orphanorphan', { host: hostname(), pid: deadPid() });
    const running = await putJob('runningrunni', { host: hostname(), pid: process.pid });
    const elsewhere = await putJob('elsewhereels', { host: 'another-machine', pid: 1 });
    const foreign = await putJob('foreignforei', { host: hostname(), pid: deadPid() }, 'red');
    await put('users/own.txt', 'mine');

    const would = await cleanJson('--dry-run');
    expect(would.jobs.map(({ jobId }) => jobId)).toEqual([orphan]);
    const { jobs, kept, removed } = await cleanJson();
    expect(jobs.map(({ jobId }) => jobId)).toEqual([orphan]);
    expect(kept.map(({ jobId }) => jobId)).toEqual([elsewhere, foreign, running]);
    expect(kept[0]?.reason).toMatch(/^it was active \d+(?:\.\d)? m?s ago$/);
    expect(kept.slice(1).map(({ reason }) => reason)).toEqual([
      'it is tenant red’s',
      'the program that started it is running',
    ]);
    expect(removed).toEqual({ objects: 2 });

    expect(await keys('users/')).toEqual(['users/own.txt']);
    expect(await keys('jobs/orphan')).toEqual([]);
    expect(await keys('jobs/')).toHaveLength(6);
  });

  it('removes what is named, whatever its state', async () => {
    const first = await putJob('runningrunni', { host: hostname(), pid: process.pid });
    await putJob('foreignforei', { host: hostname(), pid: process.pid }, 'red');
    expect((await sandbox.run(['clean', '--job', first])).stdout).toMatch(
      /^removed runningrunni-1 \(2 objects, .*\)\n$/,
    );
    expect((await sandbox.run(['clean', '--executor', 'foreignforei'])).stdout).toMatch(/^removed foreignforei-1 /);
    expect((await sandbox.run(['clean', '--job', first])).stdout).toBe('nothing to remove\n');
    expect(await keys('jobs/')).toEqual([]);
  });

  it('removes functions that no job uses, when asked', async () => {
    await putJob('runningrunni', { host: hostname(), pid: process.pid });
    const used = `functions/${'a'.repeat(64)}.json`;
    const unused = `functions/${'b'.repeat(64)}.mjs.gz`;
    for (const key of [used, unused]) await put(key, 'f');
    await cleanJson('--all');
    expect(await keys('functions/')).toEqual([used, unused]);
    expect(await cleanJson('--all', '--functions')).toMatchObject({ functions: [unused], removed: { objects: 1 } });
    expect(await keys('functions/')).toEqual([used]);
  });
});
