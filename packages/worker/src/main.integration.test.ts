import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  artifactKey,
  encodeJobDescriptor,
  packSelfContainedFunction,
  type WorkerBootstrap,
} from '@splitrock/core/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryStorage } from '../test/directory-storage.ts';
import type { ScriptedOffer } from '../test/scripted-backend.ts';
import { testDescriptor, value } from '../test/worker-harness.ts';
import { workerMainUrl } from './worker-main-url.ts';
import { WorkerProgram, bootstrapFor, isRunning } from '../test/worker-program.ts';

let directory: string;
const programs: WorkerProgram[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'splitrock-main-test-'));
});

afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.child.kill('SIGKILL');
    await program.exited();
  }
  // Slots that outlive their worker for a moment may still write here.
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

function start(bootstrap: string | WorkerBootstrap, offers: readonly ScriptedOffer[] = []): WorkerProgram {
  const program = new WorkerProgram(directory, bootstrap, offers);
  programs.push(program);
  return program;
}

async function offer(source: string, items: readonly unknown[] = [0]): Promise<ScriptedOffer> {
  const { artifact, sha256, environment } = packSelfContainedFunction(source);
  await new DirectoryStorage(join(directory, 'storage')).put(artifactKey(sha256), artifact);
  const job = { executorId: 'abcdefghijkl', jobNumber: 1 };
  const descriptor = encodeJobDescriptor({ ...testDescriptor(job, sha256, {}, items.length), environment });
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return { job, descriptor: base64(descriptor), payloads: items.map((item) => base64(value(item))) };
}

const workerFolders = (): string[] => readdirSync(directory).filter((name) => name.startsWith('splitrock-worker-'));

describe('the worker’s executable', () => {
  it('says what it is', () => {
    const { stdout } = spawnSync(process.execPath, [workerMainUrl.pathname, '--version'], { encoding: 'utf8' });
    expect(JSON.parse(stdout)).toMatchObject({ nodeVersion: process.versions.node, architecture: process.arch });
  });

  it('runs calls until SIGTERM, then leaves nothing behind', async () => {
    const program = start(bootstrapFor(directory), [await offer('() => { console.log(process.pid); }', [0, 1])]);
    await expect.poll(() => program.answers().length, { timeout: 15_000 }).toBe(2);
    const slot = Number(program.events().find((event) => event.type === 'log')?.text);
    program.child.kill('SIGTERM');
    expect(await program.exited()).toBe(0);
    expect(program.answers()).toEqual(['0 done', '1 done']);
    expect(isRunning(slot)).toBe(false);
    expect(workerFolders()).toEqual([]);
  });

  it('ends the grace at a second signal', async () => {
    const program = start(bootstrapFor(directory), [await offer('() => { console.log("runs"); for (;;); }')]);
    await expect.poll(() => program.events().length, { timeout: 15_000 }).toBeGreaterThan(0);
    program.child.kill('SIGTERM');
    await expect.poll(() => program.output, { timeout: 10_000 }).toContain('worker drains');
    program.child.kill('SIGTERM');
    expect(await program.exited()).toBe(0);
    expect(program.answers()).toEqual(['0 given back worker-lost']);
  });

  it('takes its slots and their children with it when it is killed, and its folder', async () => {
    const source = `(item) => new Promise(() => {
      const child = process.getBuiltinModule('node:child_process').spawn('sleep', ['600']);
      child.once('spawn', () => {
        console.log(JSON.stringify([process.pid, child.pid]));
        if (item === 1) for (;;);
      });
    })`;
    const slots = { workerProcesses: 2, callsPerProcess: 1, kind: 'process' } as const;
    const program = start(bootstrapFor(directory, { slots }), [await offer(source, [0, 1])]);
    const texts = (): string[] => program.events().flatMap((event) => (event.type === 'log' ? [event.text] : []));
    await expect.poll(() => texts().length, { timeout: 15_000 }).toBe(2);
    const pids = texts().flatMap((text) => JSON.parse(text) as number[]);
    expect(pids.map(isRunning)).toEqual([true, true, true, true]);
    program.child.kill('SIGKILL');
    await expect.poll(() => pids.filter(isRunning), { timeout: 10_000 }).toEqual([]);
    await expect.poll(workerFolders, { timeout: 10_000 }).toEqual([]);
  });

  it.each([
    ['a bootstrap that is no JSON', () => 'secret-text', 78, 'why=not JSON'],
    ['a bootstrap that lacks something', () => '{"version":1,"workerId":"w1","secret":"secret-text"}', 78, 'tenant'],
    [
      'options that are not the plugin’s',
      () => ({
        ...bootstrapFor(directory),
        backend: { ...bootstrapFor(directory).backend, options: { secret: ['secret-text'] } },
      }),
      78,
      'paths=directory, secret',
    ],
    [
      'a plugin that is not installed',
      () => ({
        ...bootstrapFor(directory),
        backend: { module: 'splitrock-backend-none', name: 'none', options: 'secret-text' },
      }),
      78,
      'PLUGIN_LOAD_FAILED',
    ],
    [
      'a plugin of another kind',
      () => ({ ...bootstrapFor(directory), backend: bootstrapFor(directory).storage }),
      78,
      'PLUGIN_INVALID',
    ],
  ])('ends with a code that says so for %s, and shows no option', async (_what, bootstrap, code, message) => {
    const program = start(bootstrap());
    expect(await program.exited()).toBe(code);
    expect(program.output).toContain(message);
    expect(program.output).not.toContain('secret-text');
  });

  it('ends with its own code when the call source cannot start', async () => {
    mkdirSync(join(directory, 'storage'));
    const elsewhere = { ...bootstrapFor(directory).backend, options: { directory: join(directory, 'nowhere') } };
    const program = start(bootstrapFor(directory, { backend: elsewhere }));
    expect(await program.exited()).toBe(69);
    expect(workerFolders()).toEqual([]);
  });
});
