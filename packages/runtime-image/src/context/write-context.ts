/**
 * Writes the folder that a builder makes an image of.
 *
 *     Containerfile
 *     root/       with `scratch` only: Node and its libraries
 *     packages/   opt/splitrock/package.json and node_modules: the user's packages
 *     worker/     opt/splitrock/runtime.json and worker: the bundle
 */
import { createHash } from 'node:crypto';
import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SCRATCH, type RuntimeBuildOptions } from '../build-options.ts';
import { bundleWorker, writeStub } from '../bundle/bundle-worker.ts';
import { findPlugins, type BundledPackage } from '../bundle/find-plugins.ts';
import type { RunProgramOptions } from '../run-program.ts';
import type { Architecture, RuntimeManifest } from '../runtime-manifest.ts';
import { IMAGE_FOLDER, MANIFEST_FILE, containerfile } from './containerfile.ts';
import { installPackages } from './install-packages.ts';
import { writeScratchRoot } from './scratch-root.ts';

export interface ContextRequest {
  readonly options: RuntimeBuildOptions;
  readonly architecture: Architecture;
  /** What the manifest calls the base, and what is built on. */
  readonly base: { readonly name: string; readonly image: string; readonly nodeVersion?: string };
  readonly folder: string;
}

export interface WrittenContext {
  readonly manifest: RuntimeManifest;
  /** Names the content: the same for the same worker, packages and base. */
  readonly digest: string;
}

export async function writeContext(request: ContextRequest, progress: RunProgramOptions): Promise<WrittenContext> {
  const { options, architecture, base, folder } = request;
  const { projectFolder } = options;
  const isScratch = base.image === SCRATCH;
  const nodeVersion = isScratch
    ? await writeScratchRoot(options.node ?? process.execPath, architecture, join(folder, 'root'))
    : base.nodeVersion;
  const home = join(folder, 'packages', IMAGE_FOLDER);
  const packages = await installPackages(
    { ...options, packageFile: options.packageFile, architecture, folder: home },
    progress,
  );

  const plugins = findPlugins(options.plugins, projectFolder);
  const workerHome = join(folder, 'worker', IMAGE_FOLDER);
  const bundle = await bundleWorker({ plugins, projectFolder, folder: join(workerHome, 'worker') });
  const ours = bundle.forFunctions.filter(({ name }) => packages[name] === undefined);
  for (const each of ours) await writeStub(join(workerHome, 'node_modules'), each, join(workerHome, 'worker', 'lib'));

  const manifest: RuntimeManifest = {
    format: 1,
    splitrockVersion: bundle.version,
    architecture,
    base: base.name,
    ...(nodeVersion === undefined ? {} : { nodeVersion }),
    plugins: versionsOf(plugins),
    packages: { ...packages, ...versionsOf(ours) },
  };
  await writeFile(join(folder, 'worker', MANIFEST_FILE), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const layers = [...(isScratch ? ['root'] : []), 'packages', 'worker'];
  await writeFile(join(folder, 'Containerfile'), containerfile({ from: base.image, manifest, layers }));
  if (isScratch) await chmod(join(folder, 'root', 'tmp'), 0o1777);
  return { manifest, digest: await digestOf(join(workerHome, 'worker', 'lib'), manifest) };
}

const versionsOf = (packages: readonly Pick<BundledPackage, 'name' | 'version'>[]): Record<string, string> =>
  Object.fromEntries(packages.map(({ name, version }) => [name, version]));

async function digestOf(lib: string, manifest: RuntimeManifest): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(manifest));
  for (const name of (await readdir(lib)).toSorted()) hash.update(name).update(await readFile(join(lib, name)));
  return hash.digest('hex');
}
