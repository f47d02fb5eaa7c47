import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  INPUT_VALUE,
  artifactKey,
  decodeValue,
  encodeInputPart,
  encodeJobDescriptor,
  encodeValue,
  packSelfContainedFunction,
  silentLogger,
  systemClock,
  type PackedFunction,
  type StoragePlugin,
} from '@splitrock/core/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Project } from '../../test/project.ts';
import { FILE_MONITORING, SCRIPTED_BACKEND } from '../../test/scripted-plugins.ts';
import { bundleWorker, writeStub, type WorkerBundle } from './bundle-worker.ts';
import { findPlugins, type BundledPackage } from './find-plugins.ts';

let project: Project;
beforeEach(() => {
  project = new Project();
  project.install('splitrock-backend-scripted', SCRIPTED_BACKEND);
  project.install('splitrock-monitoring-file', FILE_MONITORING);
});
afterEach(() => project.dispose());

async function bundle(...names: readonly string[]): Promise<WorkerBundle> {
  const { folder } = project;
  return bundleWorker({ plugins: findPlugins(names, folder), projectFolder: folder, folder: join(folder, 'worker') });
}

describe('a bundled worker', () => {
  it('runs calls by plugins that it has by name, away from every other package', async () => {
    const { forFunctions } = await bundle(
      'splitrock-backend-scripted',
      'splitrock-monitoring-file',
      '@splitrock/storage-local',
    );
    for (const each of forFunctions) {
      await writeStub(join(project.folder, 'node_modules'), each, join(project.folder, 'worker', 'lib'));
    }
    const source = `async (n) => (await import('splitrock')).isSplitrockError(new Error('x')) ? 'never' : n * 2`;
    const bootstrap = project.write('bootstrap.json', bootstrapOf(await storeFunction(source), [1, 2, 3]));
    const worker = spawn(process.execPath, [join(project.folder, 'worker/lib/main.js'), '--bootstrap', bootstrap], {
      cwd: project.folder,
      env: { PATH: process.env['PATH'], SPLITROCK_WORKER_ID: 'w1', TMPDIR: project.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: string[] = [];
    worker.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text));
    const [exitCode] = (await once(worker, 'close')) as [number];
    expect({ exitCode, log: exitCode === 0 ? '' : log.join('') }).toEqual({ exitCode: 0, log: '' });
    expect(finished()).toEqual([2, 4, 6]);
  });

  it('holds nothing that only clients need', async () => {
    await bundle('splitrock-backend-scripted', '@splitrock/storage-local');
    const lib = join(project.folder, 'worker/lib');
    const texts = readdirSync(lib).map((name) => readFileSync(join(lib, name), 'utf8'));
    // It is named where the plugin imports it, and is nowhere itself.
    expect(texts.filter((text) => text.includes('import("@kubernetes/client-node")'))).toHaveLength(1);
    expect(texts.filter((text) => text.includes('KubeConfig'))).toEqual([]);
  });

  it.each(['process-main', 'thread-main', 'control-thread'])('gives %s one file, without schemas', async (name) => {
    await bundle('@splitrock/storage-local');
    const lib = join(project.folder, 'worker/lib');
    const text = readFileSync(join(lib, `${name}.js`), 'utf8');
    expect(text).not.toMatch(/from ?"\.|import ?"\./);
    expect(text).not.toContain('ZodError');
    expect(readFileSync(join(lib, 'main.js'), 'utf8')).toMatch(/from ?"\.\/chunk-/);
  });

  it('is refused when a worker would load it', async () => {
    project.install('splitrock-backend-heavy', `import 'splitrock-heavy-part'; export const plugin = {};`);
    project.install('splitrock-heavy-part', `export { KubeConfig } from '@kubernetes/client-node';`);
    await expect(bundle('splitrock-backend-heavy')).rejects.toMatchObject({
      code: 'RUNTIME_BUILD_FAILED',
      message: expect.stringContaining('@kubernetes/client-node'),
    });
  });

  it('may be imported by a part of a plugin that only clients load', async () => {
    project.install(
      'splitrock-backend-lazy',
      `export const plugin = { client: () => import('splitrock-heavy-part') };`,
    );
    project.install('splitrock-heavy-part', `export { KubeConfig } from '@kubernetes/client-node';`);
    await expect(bundle('splitrock-backend-lazy')).resolves.toBeDefined();
  });

  it('says where code is that cannot be bundled', async () => {
    project.install('splitrock-backend-broken', 'export const plugin = ;');
    await expect(bundle('splitrock-backend-broken')).rejects.toThrow(/broken\/index\.js, line=1/);
  });

  it('lacks no plugin that was asked for', () => {
    expect(() => findPlugins(['splitrock-storage-none'], project.folder)).toThrow('npm install splitrock-storage-none');
    expect(findPlugins(undefined, project.folder).map(({ name }) => name)).toContain('@splitrock/storage-s3');
  });

  /** Through the real storage: it decides where an object lies. */
  async function storeFunction(source: string): Promise<PackedFunction> {
    const packed = packSelfContainedFunction(source);
    const [{ modules }] = findPlugins(['@splitrock/storage-local'], project.folder) as [BundledPackage];
    const { plugin } = (await import(modules['.'] ?? '')) as { plugin: StoragePlugin };
    const options = plugin.optionsSchema.parse({ directory: join(project.folder, 'storage') });
    const storage = await plugin.createStorage(options, { logger: silentLogger, clock: systemClock });
    await storage.put(artifactKey(packed.sha256), packed.artifact);
    await storage.close();
    return packed;
  }

  function bootstrapOf({ sha256, environment }: PackedFunction, items: readonly unknown[]): object {
    const job = { executorId: 'abcdefghijkl', jobNumber: 1 };
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const inputs = items.map((item) => Buffer.concat([Uint8Array.of(INPUT_VALUE), encodeValue(item)]));
    const descriptor = encodeJobDescriptor({
      ...job,
      tenant: 'test',
      name: 'test job',
      createdAtMs: 0,
      function: { artifact: sha256, environment: 'inline' },
      environment,
      calls: items.length,
      client: null,
      run: {
        timeoutMs: null,
        abortGraceMs: 50,
        killGraceMs: 100,
        env: {},
        memoryMiB: null,
        cpu: 1,
        chunkSize: null,
        maxLogBytes: 1024,
        inlineResultBytes: 8192,
      },
    });
    const work = {
      job,
      calls: items.length,
      descriptor: base64(descriptor),
      inputs: base64(encodeInputPart(0, inputs)),
    };
    const folder = project.folder;
    return {
      version: 1,
      tenant: 'test',
      backend: { module: 'splitrock-backend-scripted', name: 'scripted', options: work },
      storage: { module: '@splitrock/storage-local', name: 'local', options: { directory: join(folder, 'storage') } },
      monitoring: { module: 'splitrock-monitoring-file', name: 'file', options: { file: join(folder, 'status') } },
      slots: { workerProcesses: 1, callsPerProcess: 1, kind: 'process' },
      logLevel: 'warn',
    };
  }

  function finished(): unknown[] {
    const lines = readFileSync(join(project.folder, 'status'), 'utf8').trim().split('\n');
    const events = lines.map((line) => JSON.parse(line) as { callId: number; value: string });
    return events.toSorted((a, b) => a.callId - b.callId).map(({ value }) => decodeValue(Buffer.from(value, 'base64')));
  }
});
