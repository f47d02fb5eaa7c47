import { mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifactKey, encodeJobDescriptor, packSelfContainedFunction } from '@splitrock/core/plugin';
import { describe, expect, it } from 'vitest';
import { DirectoryStorage } from '../../test/directory-storage.ts';
import { testDescriptor, value } from '../../test/worker-harness.ts';
import { WorkerProgram, bootstrapFor, isRunning } from '../../test/worker-program.ts';
import { counterFiles } from './memory-cgroup.ts';

const LIMIT_BYTES = 400 * 1024 * 1024;

interface MemoryCgroup {
  add(pid: number): void;
  pids(): number[];
  remove(): void;
}

/** A memory cgroup below this process's own, of either version; `undefined` where none can be made. */
function makeCgroup(): MemoryCgroup | undefined {
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const v1 = /^[0-9]+:[^:\n]*\bmemory\b[^:\n]*:(.*)$/m.exec(own)?.[1];
  const v2 = /^0::(.*)$/m.exec(own)?.[1] ?? '/';
  const name = `splitrock-test-${process.pid}`;
  const path = v1 === undefined ? join('/sys/fs/cgroup', v2, name) : join('/sys/fs/cgroup/memory', v1, name);
  try {
    mkdirSync(path);
    writeFileSync(join(path, v1 === undefined ? 'memory.max' : 'memory.limit_in_bytes'), String(LIMIT_BYTES));
  } catch {
    rmSync(path, { recursive: true, force: true });
    return undefined;
  }
  const pids = (): number[] => readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  return {
    add: (pid) => writeFileSync(join(path, 'cgroup.procs'), String(pid)),
    pids,
    remove: () => rmdirSync(path),
  };
}

const cgroup = process.platform === 'linux' ? makeCgroup() : undefined;

describe('the kernel’s out-of-memory killer', () => {
  it.skipIf(cgroup === undefined)(
    'is told apart from other kills (needs a writable memory cgroup)',
    { timeout: 60_000 },
    async () => {
      const memory = cgroup as MemoryCgroup;
      const directory = mkdtempSync(join(tmpdir(), 'splitrock-oom-test-'));
      const { artifact, sha256, environment } = packSelfContainedFunction(`async (item) => {
      if (item === 1) process.kill(process.pid, 'SIGKILL');
      const fs = process.getBuiltinModule('node:fs');
      while (!fs.existsSync(${JSON.stringify(join(directory, 'limited'))})) await new Promise((done) => setTimeout(done, 20));
      const all = [];
      for (;;) all.push(Buffer.alloc(16 * 2 ** 20, 1));
    }`);
      await new DirectoryStorage(join(directory, 'storage')).put(artifactKey(sha256), artifact);
      const job = { executorId: 'abcdefghijkl', jobNumber: 1 };
      const descriptor = encodeJobDescriptor({ ...testDescriptor(job, sha256, {}, 2), environment });
      const payloads = [0, 1].map((item) => Buffer.from(value(item)).toString('base64'));
      const program = new WorkerProgram(directory, bootstrapFor(directory), [
        { job, descriptor: Buffer.from(descriptor).toString('base64'), payloads },
      ]);
      try {
        // The worker is limited before it starts its slot, so that the slot is in the same cgroup.
        memory.add(program.child.pid as number);
        writeFileSync(join(directory, 'limited'), '');
        const outcomes = (): unknown[] =>
          program.events().flatMap((event) => (event.type === 'finished' ? [event.outcome] : []));
        await expect.poll(() => outcomes().length, { timeout: 18_000 }).toBe(2);
        expect(outcomes()).toMatchObject([
          { kind: 'lost', reason: { kind: 'out-of-memory', signal: 'SIGKILL' } },
          { kind: 'lost', reason: { kind: 'crash', signal: 'SIGKILL' } },
        ]);
      } finally {
        program.child.kill('SIGTERM');
        await program.exited();
        await expect.poll(() => memory.pids().filter(isRunning), { timeout: 10_000 }).toEqual([]);
        memory.remove();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );
});

describe('the counters of a process’s memory cgroup', () => {
  it('are in the memory hierarchy of version 1', () => {
    expect(counterFiles('4:memory:/pod/a\n0::/pod/a\n')[0]).toBe('/sys/fs/cgroup/memory/pod/a/memory.oom_control');
  });

  it('are in the one hierarchy of version 2', () => {
    expect(counterFiles('0::/pod/a\n')).toEqual(['/sys/fs/cgroup/pod/a/memory.events', '/sys/fs/cgroup/memory.events']);
  });

  it('are nowhere when there are no cgroups', () => {
    expect(counterFiles('')).toEqual([]);
  });
});
