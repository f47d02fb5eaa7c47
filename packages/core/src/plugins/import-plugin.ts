/** Imports a plugin's module and checks the descriptor it exports. */
import { pathToFileURL } from 'node:url';
import { isAbsolute } from 'node:path';
import type { PluginByKind, PluginKind } from '../contracts/plugin.ts';
import { PluginError } from '../errors/splitrock-error.ts';
import { checkPlugin } from './check-plugin.ts';

/**
 * The plugin that a module exports as `plugin`, or as its default. `module` is what a {@link PluginRef} holds: a file URL, a
 * path, or a package name as this package sees it.
 * @throws PluginError `PLUGIN_LOAD_FAILED`, `PLUGIN_INVALID`, `PLUGIN_API_VERSION`.
 */
export async function importPlugin<Kind extends PluginKind>(kind: Kind, module: string): Promise<PluginByKind[Kind]> {
  const specifier = isAbsolute(module) ? pathToFileURL(module).href : module;
  let exports: Record<string, unknown>;
  try {
    exports = (await import(/* @vite-ignore */ specifier)) as Record<string, unknown>;
  } catch (error) {
    throw new PluginError(
      'PLUGIN_LOAD_FAILED',
      `The module of a ${kind} plugin failed while it was loaded: ${error instanceof Error ? error.message : String(error)} [module=${module}]; ` +
        'check that it and its dependencies are installed for this version of Node.',
      { cause: error, details: { kind, module } },
    );
  }
  return checkPlugin(kind, exports['plugin'] ?? exports['default'], module);
}
