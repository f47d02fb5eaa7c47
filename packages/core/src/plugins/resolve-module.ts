/** Finds the module of a package as seen from other places than this file, by the rules of `import`. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PluginKind } from '../contracts/plugin.ts';
import { pluginOfPackage } from './plugin-names.ts';
import { processConditions } from './process-conditions.ts';

/**
 * The file URL of a package's main module, or `undefined` when it is not installed. `from` is the URL of a module or folder
 * (ending in `/`) that would import it.
 */
export function resolvePackage(packageName: string, from: URL): URL | undefined {
  if (isBuiltin(packageName)) return undefined;
  const require = createRequire(from);
  try {
    return pathToFileURL(require.resolve(packageName));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return importEntry(packageName, from);
    if (code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * The entry of a package that exports itself to `import` only: `require.resolve` does not see it, and `import.meta.resolve`
 * cannot be told from where to look.
 */
function importEntry(packageName: string, from: URL): URL | undefined {
  for (const folder of modulesFolders(from)) {
    const manifest = readManifest(join(folder, packageName));
    if (manifest === undefined) continue;
    const conditions = new Set([...processConditions(), 'node', 'import', 'module-sync', 'default']);
    const target = pickTarget(mainExport(manifest['exports']), conditions);
    return target === undefined ? undefined : pathToFileURL(realpathSync(join(folder, packageName, target)));
  }
  return undefined;
}

const mainExport = (exports: unknown): unknown =>
  typeof exports === 'object' && exports !== null && '.' in exports ? exports['.'] : exports;

function pickTarget(target: unknown, conditions: ReadonlySet<string>): string | undefined {
  if (typeof target === 'string') return target;
  if (Array.isArray(target))
    return target.map((item) => pickTarget(item, conditions)).find((found) => found !== undefined);
  if (typeof target !== 'object' || target === null) return undefined;
  for (const [condition, nested] of Object.entries(target)) {
    const found = conditions.has(condition) ? pickTarget(nested, conditions) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The names of the plugins of a kind whose packages can be seen from these places. */
export function installedPlugins(kind: PluginKind, bases: readonly URL[]): readonly string[] {
  const packages = bases
    .flatMap(modulesFolders)
    .flatMap((folder) => [
      ...listFolder(folder),
      ...listFolder(join(folder, '@splitrock')).map((name) => `@splitrock/${name}`),
    ]);
  const names = packages.map((name) => pluginOfPackage(kind, name)).filter((name) => name !== undefined);
  return [...new Set(names)].toSorted();
}

function modulesFolders(from: URL): readonly string[] {
  const folders: string[] = [];
  // The trailing name stands for the importing module: a folder's URL ends in a slash.
  for (
    let folder = dirname(join(fileURLToPath(from), from.pathname.endsWith('/') ? 'x' : ''));
    ;
    folder = dirname(folder)
  ) {
    folders.push(join(folder, 'node_modules'));
    if (folder === dirname(folder)) return folders;
  }
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readManifest(folder: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
