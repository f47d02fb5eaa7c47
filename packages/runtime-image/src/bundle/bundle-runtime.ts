/** The worker runtime as a folder, for backends that bring it to a machine that has nothing but Node. */
import { join } from 'node:path';
import { bundleWorker, writeStub } from './bundle-worker.ts';

/** A plugin as workers import it. */
export interface RuntimePlugin {
  /** What a worker's bootstrap names as the plugin's module: a package name. */
  readonly name: string;
  /** The file of the plugin's module on this machine. */
  readonly file: string;
}

/** What goes into a runtime, and where it is written. */
export interface BundleRuntimeOptions {
  /** Those that workers load: a backend, a storage, a monitoring, further storages. */
  readonly plugins: readonly RuntimePlugin[];
  /** Where Splitrock is looked for, which functions may import: a folder at or below the `node_modules` that has it. */
  readonly projectFolder: string;
  /** Gets the files; made where it is missing. */
  readonly folder: string;
}

/** What was written. */
export interface BundledRuntime {
  /** The version of the worker runtime. */
  readonly version: string;
  /** What functions may import from it, name to version: a backend's `RuntimeInfo.packages`. */
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * Writes all that a worker needs but Node into a folder, which may then be moved anywhere: `node <folder>/lib/main.js
 * --bootstrap …` starts it. Packages with native code are not among it.
 *
 * @throws RuntimeImageError `RUNTIME_BUILD_FAILED`
 */
export async function bundleRuntime(options: BundleRuntimeOptions): Promise<BundledRuntime> {
  const { projectFolder, folder } = options;
  const plugins = options.plugins.map(({ name, file }) => ({ name, version: '0.0.0', modules: { '.': file } }));
  const { version, forFunctions } = await bundleWorker({ plugins, projectFolder, folder });
  for (const each of forFunctions) await writeStub(join(folder, 'node_modules'), each, join(folder, 'lib'));
  return { version, packages: Object.fromEntries(forFunctions.map((each) => [each.name, each.version])) };
}
