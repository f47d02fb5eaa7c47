import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Project } from '../test/project.ts';
import { buildRuntime } from './build-runtime.ts';
import type { RuntimeBuildInput } from './build-options.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => {
  vi.unstubAllEnvs();
  project.dispose();
});

const PLUGINS = ['@splitrock/storage-local', '@splitrock/monitoring-storage'];
const build = (options: Partial<RuntimeBuildInput>): ReturnType<typeof buildRuntime> =>
  buildRuntime({ projectFolder: project.folder, plugins: PLUGINS, ...options });

describe('a context', () => {
  const at = (...path: readonly string[]): string => join(project.folder, 'context', ...path);

  it('is all that a builder needs: the worker, and what it is in labels and a file', async () => {
    const { manifest, image, context } = await build({ context: 'context' });
    expect({ image, context }).toEqual({ image: undefined, context: at() });
    expect(manifest).toMatchObject({
      format: 1,
      base: 'node:24-slim',
      plugins: Object.fromEntries(PLUGINS.map((name) => [name, expect.any(String)])),
      packages: { splitrock: expect.any(String), '@splitrock/core': expect.any(String) },
    });
    expect(JSON.parse(readFileSync(at('worker/opt/splitrock/runtime.json'), 'utf8'))).toEqual(manifest);
    const containerfile = readFileSync(at('Containerfile'), 'utf8');
    expect(containerfile).toMatch(/^FROM node:24-slim\n/);
    expect(containerfile).toMatch(/^USER 10001:10001$/m);
    expect(containerfile).not.toMatch(/^RUN /m);
    const label = /^LABEL .* dev\.splitrock\.manifest="((?:\\.|[^"\\])*)" /m.exec(containerfile)?.[1] ?? '';
    expect(JSON.parse(label.replaceAll(/\\(.)/g, '$1'))).toEqual(manifest);
  });

  it.skipIf(process.platform !== 'linux')('from scratch has a Node that runs with nothing around it', async () => {
    const { manifest } = await build({ context: 'context', base: 'scratch' });
    expect(manifest.nodeVersion).toBe(process.versions.node);
    const linker = ['lib64/ld-linux-x86-64.so.2', 'lib/ld-linux-aarch64.so.1'].find((path) =>
      existsSync(at('root', path)),
    );
    const libraries = ['lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu'].map((path) => at('root', path)).join(':');
    const args = ['--library-path', libraries, at('root/usr/local/bin/node')];
    const main = at('worker/opt/splitrock/worker/lib/main.js');
    const env = { SPLITROCK_WORKER_RUNTIME_FILE: at('worker/opt/splitrock/runtime.json') };
    const said = execFileSync(at('root', linker ?? ''), [...args, main, '--version'], { env, encoding: 'utf8' });
    expect(JSON.parse(said)).toEqual({
      splitrockVersion: manifest.splitrockVersion,
      nodeVersion: process.versions.node,
      architecture: process.arch,
      packages: manifest.packages,
    });
    expect(statSync(at('root/tmp')).mode & 0o7777).toBe(0o1777);
  });

  it('has the packages of the user, in the versions that were installed', { timeout: 60_000 }, async () => {
    project.write('tiny/package.json', { name: 'tiny-thing', version: '3.2.1', main: 'index.js' });
    project.write('tiny/index.js', 'module.exports = 1;');
    execFileSync('npm', ['pack', '--silent', './tiny'], { cwd: project.folder });
    const tarball = `file:${join(project.folder, 'tiny-thing-3.2.1.tgz')}`;
    project.write('package.json', { dependencies: { 'tiny-thing': tarball }, devDependencies: { absent: '1' } });
    const { manifest } = await build({ context: 'context', packageFile: 'package.json' });
    expect(manifest.packages).toMatchObject({ 'tiny-thing': '3.2.1', splitrock: expect.any(String) });
    expect(existsSync(at('packages/opt/splitrock/node_modules/tiny-thing/index.js'))).toBe(true);
  });
});

describe('an image', () => {
  it.each([
    ['a name that no registry takes', { image: 'Team/Worker' }, 'CONFIG_INVALID', 'image: '],
    ['a base twice', { base: 'scratch', containerfile: 'Containerfile' }, 'CONFIG_INVALID', 'not both'],
    ['packages that are options', { packages: ['--evil'] }, 'CONFIG_INVALID', 'packages.0'],
    [
      'a context of a Containerfile',
      { context: 'c', containerfile: 'Containerfile' },
      'CONFIG_INVALID',
      'build yours first',
    ],
    [
      'packages of a file that is not there',
      { context: 'c', packageFile: 'none.json' },
      'CONFIG_UNREADABLE',
      'none.json',
    ],
    [
      'a plugin that is not there',
      { context: 'c', plugins: ['splitrock-storage-none'] },
      'PLUGIN_NOT_FOUND',
      'npm install',
    ],
  ])('is not built with %s', async (_what, options, code, message) => {
    await expect(build(options)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('is not built from scratch for another machine', async () => {
    const architecture = process.arch === 'arm64' ? 'amd64' : 'arm64';
    const built = build({ context: 'c', base: 'scratch', architecture });
    await expect(built).rejects.toMatchObject({ code: 'RUNTIME_BASE_UNAVAILABLE' });
  });

  it('is not built where no builder works, and each says why', async () => {
    vi.stubEnv('PATH', project.folder);
    const error = await build({}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'RUNTIME_NO_BUILDER' });
    for (const name of ['docker', 'podman', 'buildah']) {
      expect(error).toMatchObject({ message: expect.stringContaining(`${name}: not found`) });
    }
  });
});
