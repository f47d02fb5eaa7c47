/** From what the configuration says (a name, a package, a path) to the module of a plugin. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatOrigin, type ConfigOrigin } from '../config/config-origin.ts';
import { closest } from '../config/suggest.ts';
import type { PluginKind } from '../contracts/plugin.ts';
import { PluginError } from '../errors/splitrock-error.ts';
import { OFFICIAL_PLUGINS, isModulePath, isPluginName, packageCandidates } from './plugin-names.ts';
import { installedPlugins, resolvePackage } from './resolve-module.ts';

export interface PluginSearch {
  readonly kind: PluginKind;
  readonly value: string;
  readonly origin: ConfigOrigin;
  readonly cwd: string;
  /** Modules or folders (ending in `/`) from which packages are looked for, in this order. */
  readonly bases: readonly URL[];
}

/**
 * The module's file URL.
 * @throws PluginError `PLUGIN_NOT_FOUND`, saying what was tried and what to install.
 */
export function findPlugin(search: PluginSearch): URL {
  const { kind, value, bases } = search;
  if (isModulePath(value)) return findByPath(search);
  for (const candidate of packageCandidates(kind, value)) {
    for (const base of bases) {
      const module = resolvePackage(candidate, base);
      if (module !== undefined) return module;
    }
  }
  const tried = packageCandidates(kind, value);
  throw notFound(search, { tried: tried.join(', '), remedy: remedyFor(search) });
}

/** Relative paths are told from the file that has them, else from the working directory. */
function findByPath(search: PluginSearch): URL {
  const { value, origin, cwd } = search;
  const folder = origin.kind === 'file' ? dirname(origin.file) : cwd;
  const module = value.startsWith('file:') ? new URL(value) : pathToFileURL(resolve(folder, value));
  if (existsSync(module)) return module;
  throw notFound(search, { tried: module.href, remedy: 'check the path; it must name a file' });
}

function remedyFor({ kind, value, bases }: PluginSearch): string {
  const installed = installedPlugins(kind, bases);
  const there = installed.length === 0 ? '' : `; installed: ${installed.join(', ')}`;
  if (OFFICIAL_PLUGINS[kind].includes(value)) return `run \`npm install @splitrock/${kind}-${value}\``;
  const meant = closest(value, [...installed, ...OFFICIAL_PLUGINS[kind]]);
  if (meant !== undefined) return `did you mean ${meant}?${there}`;
  const wanted = isPluginName(value) ? `splitrock-${kind}-${value}` : value;
  return `run \`npm install ${wanted}\` if there is such a package, or name another ${kind}${there}`;
}

function notFound(
  search: PluginSearch,
  { tried, remedy }: { readonly tried: string; readonly remedy: string },
): PluginError {
  const { kind, value, origin, cwd } = search;
  return new PluginError(
    'PLUGIN_NOT_FOUND',
    `No ${kind} plugin \`${value}\` is installed [tried=${tried}, set by=${formatOrigin(origin, cwd)}]; ${remedy}`,
    { details: { kind, value, tried: tried.split(', '), origin: formatOrigin(origin, cwd) } },
  );
}
