import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { processesWith, startOf } from '../src/processes.ts';

describe.skipIf(process.platform !== 'linux')('a daemon', () => {
  let state: string;
  let daemons: typeof import('../src/daemons.ts');
  const sleeper = { name: 'sleeper', command: 'sleep', args: ['600'] };

  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), 'splitrock-cluster-test-'));
    for (const folder of ['log', 'pid']) mkdirSync(join(state, folder));
    vi.stubEnv('SPLITROCK_CLUSTER_STATE', state);
    vi.resetModules();
    daemons = await import('../src/daemons.ts');
  });
  afterEach(async () => {
    await daemons.killDaemon('sleeper');
    vi.unstubAllEnvs();
    rmSync(state, { recursive: true });
  });

  it('runs until it is killed, and is known by its file', async () => {
    await daemons.startDaemon(sleeper);
    const pid = (await daemons.daemonPid('sleeper')) ?? 0;
    expect(startOf(pid)).toMatch(/^\d+$/);
    expect(processesWith(([command, seconds]) => command === 'sleep' && seconds === '600')).toContain(pid);
    await daemons.killDaemon('sleeper');
    expect(startOf(pid)).toBe(undefined);
    expect(existsSync(join(state, 'pid', 'sleeper'))).toBe(false);
    await daemons.killDaemon('sleeper');
  });

  it('is not another process that got its id', async () => {
    await daemons.startDaemon(sleeper);
    const file = join(state, 'pid', 'sleeper');
    const written = readFileSync(file, 'utf8');
    const [pid = ''] = written.split(' ');
    writeFileSync(file, `${pid} 1`);
    expect(await daemons.daemonPid('sleeper')).toBe(undefined);
    writeFileSync(file, written);
    expect(await daemons.daemonPid('sleeper')).toBe(Number(pid));
  });

  it('that cannot be started is an error', async () => {
    await expect(daemons.startDaemon({ ...sleeper, command: '/nowhere/program' })).rejects.toThrow('ENOENT');
  });
});
