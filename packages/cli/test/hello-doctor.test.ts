import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliSandbox } from './cli-sandbox.ts';

let sandbox: CliSandbox;
beforeEach(() => {
  sandbox = new CliSandbox();
});
afterEach(() => sandbox.dispose());

const CHECKS = [
  'node',
  'inspector',
  'esbuild',
  'disk space',
  'configuration',
  'backend plugin',
  'storage plugin',
  'monitoring plugin',
  'storage',
  'monitoring',
  'backend',
];

async function nothingIsLeft(): Promise<void> {
  const storage = await sandbox.openStorage();
  const keys: string[] = [];
  for await (const { key } of storage.list('')) if (!key.startsWith('functions/')) keys.push(key);
  await storage.close();
  expect(keys).toEqual([]);
}

describe('hello', { timeout: 60_000 }, () => {
  it('runs real calls and says where', async () => {
    const { exitCode, stdout, stderr } = await sandbox.run(['hello', '--calls', '3', '--json']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const said = JSON.parse(stdout) as { calls: { call: number; host: string; pid: number }[] };
    expect(said).toMatchObject({ backend: 'localhost', storage: 'local', monitoring: 'storage' });
    expect(said.calls.map(({ call, host }) => [call, host])).toEqual([0, 1, 2].map((call) => [call, hostname()]));
    for (const { pid } of said.calls) expect(pid).not.toBe(process.pid);
    await nothingIsLeft();
  });

  it('says it for people', async () => {
    const { stdout } = await sandbox.run(['hello', '-n', '1']);
    expect(stdout).toMatch(/^CALL +WORKER +HOST +PROCESS +NODE +TOOK\n0 /);
    expect(stdout).toMatch(
      /\nHello! 1 call on backend localhost with storage local and monitoring storage, in .*\.\n$/,
    );
  });

  it('refuses a wrong configuration before it starts anything', async () => {
    const { exitCode, stdout, stderr } = await sandbox.run(['hello'], {
      env: { SPLITROCK_BACKENDS__LOCALHOST__WORKER_PROCESSES: '0' },
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toContain(
      '  backends.localhost.workerProcesses: must be >= 1, got 0 (SPLITROCK_BACKENDS__LOCALHOST__WORKER_PROCESSES)\n',
    );
  });
});

describe('doctor', { timeout: 60_000 }, () => {
  it('finds everything well, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await sandbox.run(['doctor', '--json']);
    const report = JSON.parse(stdout) as { healthy: boolean; checks: { name: string; status: string }[] };
    expect({ exitCode, stderr, healthy: report.healthy }).toEqual({ exitCode: 0, stderr: '', healthy: true });
    expect(report.checks.map(({ name }) => name)).toEqual(CHECKS);
    // A machine with little space, or an odd Node, is warned of and works.
    expect(report.checks.filter(({ status }) => status !== 'ok' && status !== 'warn')).toEqual([]);
    await nothingIsLeft();
  });

  it('says what is wrong with the configuration and skips what needs it', async () => {
    sandbox.write('splitrock.config.yaml', 'bakend: k8s\n');
    const { exitCode, stdout } = await sandbox.run(['doctor']);
    expect(exitCode).toBe(1);
    const lines = stdout.split('\n').map((line) => line.replace(/ \(\d[^)]*\)$/, '').replaceAll(/ {2,}/g, ' | '));
    expect(lines.slice(4)).toEqual([
      'fail | configuration | CONFIG_INVALID: The configuration has a problem:',
      ' | bakend: unknown key (splitrock.config.yaml:1); did you mean backend?',
      'skip | backend plugin | not tried, because configuration failed',
      'skip | storage plugin | not tried, because configuration failed',
      'skip | monitoring plugin | not tried, because configuration failed',
      'skip | storage | not tried, because storage plugin failed',
      'skip | monitoring | not tried, because storage failed',
      'skip | backend | not tried, because monitoring failed',
      '1 of 11 checks failed',
      '',
    ]);
  });

  it('tells a storage that does not work from one that does', async () => {
    const file = sandbox.write('not-a-folder', '');
    const { exitCode, stdout } = await sandbox.run(['doctor'], { env: { SPLITROCK_STORAGES__LOCAL__DIRECTORY: file } });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^ok +storage plugin /m);
    expect(stdout).toMatch(
      /^fail +storage +STORAGE_\w+: .*\n +→ check address, bucket or folder, credentials and permissions/m,
    );
    expect(stdout).toMatch(/^skip +backend +not tried, because monitoring failed$/m);
  });

  it('tells of a plugin that is not installed, and goes on with the others', async () => {
    const { exitCode, stdout } = await sandbox.run(['doctor', '--backend', 'nowhere-at-all']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^fail +backend plugin +PLUGIN_NOT_FOUND: No backend plugin `nowhere-at-all` is installed/m);
    expect(stdout).toMatch(/^ok +storage /m);
  });
});
