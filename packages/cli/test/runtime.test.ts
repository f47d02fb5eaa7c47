import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliSandbox, type CliResult } from './cli-sandbox.ts';

let sandbox: CliSandbox;
beforeEach(() => {
  sandbox = new CliSandbox();
});
afterEach(() => sandbox.dispose());

const runtime = (...args: readonly string[]): Promise<CliResult> => sandbox.run(['runtime', ...args]);
/** Commands that need a builder find none. */
const withoutBuilder = (...args: readonly string[]): Promise<CliResult> =>
  sandbox.run(['runtime', ...args], { env: { PATH: sandbox.cwd } });

describe('runtime', { timeout: 60_000 }, () => {
  it('writes what a builder elsewhere needs, and says what will be in the image', async () => {
    const args = ['build', '--context', 'context', '--architecture', 'arm64', '--plugin', '@splitrock/storage-local'];
    const { exitCode, stdout } = await runtime(...args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^context {3}\/.*\/context$/m);
    expect(stdout).toMatch(/^node {6}known when it runs, linux\/arm64, on node:24-slim$/m);
    expect(stdout).toMatch(/^plugins {3}@splitrock\/storage-local \d+\.\d+\.\d+$/m);
    expect(existsSync(join(sandbox.cwd, 'context', 'Containerfile'))).toBe(true);
    const { stdout: json } = await runtime(...args, '--json');
    expect(JSON.parse(json)).toMatchObject({ manifest: { architecture: 'arm64', base: 'node:24-slim' } });
  });

  it.each([
    [['build', 'Team/Worker'], 3, /^error CONFIG_INVALID: .*\nimage: must be an image’s name/],
    [['build', '--architecture', 'mips'], 3, /^error CONFIG_INVALID: .*\narchitecture: /],
    [['build', '--package', 'a b'], 3, /^error CONFIG_INVALID: .*\npackages\.0: /],
    [['list', '--builder', 'kaniko'], 2, /^error USAGE: kaniko is no builder; there are docker, podman, buildah\.$/m],
    [['list'], 1, /^error RUNTIME_NO_BUILDER: /],
    [['inspect', 'worker:1'], 1, /^error RUNTIME_NO_BUILDER: /],
    [['push', 'worker:1', '--builder', 'podman'], 1, /^error RUNTIME_NO_BUILDER: .*\npodman: not found$/m],
  ])('refuses %j and says why', async (args, exitCode, message) => {
    const result = await withoutBuilder(...args);
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr).toMatch(message);
  });
});
