import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const PROGRAM = fileURLToPath(new URL('cluster-process.ts', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // Where nobody reaps orphans, one that has ended stays as a zombie.
    return process.platform !== 'linux' || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

it('a cluster whose process is killed leaves no process of its pods behind', async () => {
  // What it cannot remove when it is killed is kept within a folder of this test's own.
  const folder = await mkdtemp(join(tmpdir(), 'splitrock-left-behind-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const env = { ...process.env, TMPDIR: folder };
  const cluster = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const [line] = (await once(cluster.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  cluster.kill('SIGKILL');
  await once(cluster, 'exit');
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});
