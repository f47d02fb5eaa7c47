import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { CliSandbox } from './cli-sandbox.ts';

const sandbox = new CliSandbox();
afterAll(() => sandbox.dispose());

describe('splitrock k8s', { timeout: 60_000 }, () => {
  it.each([
    [[], 'rbac.yaml'],
    [['--per-node'], 'rbac-per-node.yaml'],
    [['--jobs'], 'rbac-jobs.yaml'],
  ])('prints permissions with %j as they are checked in', async (flags, file) => {
    const { exitCode, stdout } = await sandbox.run(['k8s', 'rbac', '--namespace', 'splitrock', ...flags]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(readFileSync(new URL(`../../k8s-common/manifests/${file}`, import.meta.url), 'utf8'));
  });

  it('says which kubeconfig cannot be used', async () => {
    const { exitCode, stderr } = await sandbox.run(['k8s', 'check', '--kubeconfig', '/nowhere/config']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('KUBE_CONFIG_INVALID');
    expect(stderr).toContain('/nowhere/config');
  });
});
