/**
 * Packages with native code among the inputs of a bundle. Some fail to bundle, others (sharp) bundle cleanly and fail
 * only when they run, so their package.json is asked.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly main?: string;
  readonly exports?: unknown;
  readonly gypfile?: boolean;
  readonly binary?: unknown;
  readonly napi?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: unknown;
  readonly cpu?: unknown;
}

const PACKAGE_FOLDER = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/** The folder of the package that a file belongs to; `undefined` for files outside of `node_modules`. */
export const packageFolderOf = (file: string): string | undefined => PACKAGE_FOLDER.exec(file)?.[1];

/** Name of the first package with native code that these files belong to. */
export function findNativeAddon(files: readonly string[]): string | undefined {
  const folders = new Set(files.flatMap((file) => packageFolderOf(file) ?? []));
  for (const folder of folders) {
    const json = readPackage(folder);
    if (json !== undefined && hasNativeCode(folder, json)) return json.name ?? folder;
  }
  return undefined;
}

export function readPackage(folder: string): PackageJson | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
  } catch {
    return undefined;
  }
}

function hasNativeCode(folder: string, json: PackageJson): boolean {
  if (
    json.gypfile === true ||
    json.binary !== undefined ||
    json.napi !== undefined ||
    json.main?.endsWith('.node') === true
  )
    return true;
  if (existsSync(join(folder, 'binding.gyp'))) return true;
  if (/node-gyp|prebuild|node-pre-gyp/.test(json.scripts?.['install'] ?? '')) return true;
  // Prebuilt binaries come as optional dependencies, one for each platform.
  return Object.keys(json.optionalDependencies ?? {}).some((name) => {
    const dependency = installedPackage(folder, name);
    return dependency?.os !== undefined || dependency?.cpu !== undefined;
  });
}

/** The package.json that a package sees under a name. */
export function installedPackage(from: string, name: string): PackageJson | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = readPackage(join(folder, 'node_modules', name));
    if (found !== undefined) return found;
    if (folder === dirname(folder)) return undefined;
  }
}
