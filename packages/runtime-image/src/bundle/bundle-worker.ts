/**
 * Makes a folder of few files out of the worker and its plugins, so that it starts fast: one file for each module that
 * runs by itself, and chunks for what they share.
 *
 *     lib/main.js, process-main.js, …      the worker's own modules, side by side (see `workerEntries`)
 *     lib/<plugin>.js, lib/chunk-….js
 *     node_modules/<plugin>/               what `import('<plugin>')` finds: it leads to the file in lib
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildFailure, type Metafile } from 'esbuild';
import { processConditions } from '@splitrock/core';
import { workerEntries } from '@splitrock/worker/entries';
import { RuntimeImageError } from '../runtime-image-error.ts';
import { CLIENT_ONLY_PACKAGES, refuseClientOnly } from './client-only.ts';
import { findPackage, type BundledPackage } from './find-plugins.ts';

export interface BundleRequest {
  readonly plugins: readonly BundledPackage[];
  readonly projectFolder: string;
  /** Gets `lib` and `node_modules`. */
  readonly folder: string;
}

export interface WorkerBundle {
  /** The version of the worker runtime. */
  readonly version: string;
  /** Of Splitrock, what functions may import; in `lib` as plugins are. */
  readonly forFunctions: readonly BundledPackage[];
}

/** Splitrock's own packages are never shipped with a function: it gets those of the worker. */
const FOR_FUNCTIONS = { '@splitrock/core': ['./plugin'], splitrock: [] } as const;

// Bundled CommonJS packages need a real `require`.
const BANNER =
  'import{createRequire as $splitrock_createRequire}from"node:module";const require=$splitrock_createRequire(import.meta.url);';

/** @throws RuntimeImageError `RUNTIME_BUILD_FAILED` */
export async function bundleWorker({ plugins, projectFolder, folder }: BundleRequest): Promise<WorkerBundle> {
  const forFunctions = Object.entries(FOR_FUNCTIONS).flatMap(
    ([name, paths]) => findPackage(name, projectFolder, paths) ?? [],
  );
  const { main, ...slots } = Object.fromEntries(
    Object.entries(workerEntries).map(([name, url]) => [name, fileURLToPath(url)]),
  ) as Record<keyof typeof workerEntries, string>;
  const packages = [...plugins, ...forFunctions].flatMap(({ name, modules }) =>
    Object.entries(modules).map(([path, file]) => [entryName(name, path), file] as const),
  );
  await bundleEntries({ main, ...Object.fromEntries(packages) }, folder, { splitting: true });
  // Hundreds of slots may start at once, so each loads one file with what it needs and no more. A chunk that is shared
  // with the supervisor and the plugins would hold all that any of them needs.
  await bundleEntries(slots, folder, { splitting: false });
  const version = findPackage('@splitrock/worker', projectFolder)?.version ?? '0.0.0';
  await writeManifest(folder, { name: '@splitrock/worker', version });
  for (const plugin of plugins) await writeStub(join(folder, 'node_modules'), plugin, join(folder, 'lib'));
  return { version, forFunctions };
}

/** Bundles the modules that workers load, each with nothing that only clients need. */
async function bundleEntries(
  entryPoints: Record<string, string>,
  folder: string,
  options: { readonly splitting: boolean },
): Promise<void> {
  refuseClientOnly(await bundle(entryPoints, folder, options), new Set(Object.keys(entryPoints)));
}

async function bundle(
  entryPoints: Record<string, string>,
  folder: string,
  { splitting }: { readonly splitting: boolean },
): Promise<Metafile> {
  try {
    const { metafile } = await build({
      entryPoints,
      outdir: join(folder, 'lib'),
      chunkNames: 'chunk-[hash]',
      bundle: true,
      splitting,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      conditions: [...processConditions()],
      external: CLIENT_ONLY_PACKAGES.flatMap((name) => [name, `${name}/*`]),
      define: { SPLITROCK_WORKER_BUNDLED: 'true' },
      banner: { js: BANNER },
      minifyWhitespace: true,
      minifySyntax: true,
      // Errors are called after their class.
      keepNames: true,
      legalComments: 'none',
      charset: 'utf8',
      metafile: true,
      logLevel: 'silent',
    });
    return metafile;
  } catch (error) {
    const [first] = (error as Partial<BuildFailure>).errors ?? [];
    if (first === undefined) throw error;
    const place = first.location === null ? '' : ` [file=${first.location.file}, line=${first.location.line}]`;
    throw new RuntimeImageError('RUNTIME_BUILD_FAILED', `The worker cannot be bundled: ${first.text}${place}.`, {
      cause: error,
    });
  }
}

/** A package whose modules lead to those in `lib`. */
export async function writeStub(
  nodeModules: string,
  { name, version, modules }: BundledPackage,
  lib: string,
): Promise<void> {
  const folder = join(nodeModules, name);
  const files = Object.keys(modules).map((path) => [path, `./${path === '.' ? 'index' : path.slice(2)}.js`] as const);
  await writeManifest(folder, { name, version, exports: Object.fromEntries(files) });
  for (const [path, file] of files) {
    const target = relative(folder, join(lib, `${entryName(name, path)}.js`)).replaceAll('\\', '/');
    await writeFile(join(folder, file), `export * from '${target}';\n`);
  }
}

async function writeManifest(folder: string, manifest: object): Promise<void> {
  const file = join(folder, 'package.json');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ ...manifest, private: true, type: 'module' }, undefined, 2)}\n`);
}

/** A file's name for a package's module. */
const entryName = (packageName: string, path: string): string =>
  join(packageName, path).replace(/^@/, '').replaceAll(/[/\\]/g, '-');
