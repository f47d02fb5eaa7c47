/** Imports a plugin that a bootstrap names and has it check its options. */
import {
  ConfigError,
  callPlugin,
  importPlugin,
  type PluginByKind,
  type PluginCallLimits,
  type PluginKind,
  type PluginRef,
} from '@splitrock/core/plugin';

export interface LoadedPlugin<Kind extends PluginKind> {
  readonly plugin: PluginByKind[Kind];
  /** Parsed by the plugin's own schema. */
  readonly options: unknown;
}

/**
 * @throws PluginError `PLUGIN_LOAD_FAILED`, `PLUGIN_INVALID`, `PLUGIN_API_VERSION`, `PLUGIN_TIMEOUT`; ConfigError
 * `CONFIG_INVALID` for options. Messages never hold option values, which may be secret.
 */
export async function loadPlugin<Kind extends PluginKind>(
  kind: Kind,
  { module, name, options }: PluginRef,
  limits: PluginCallLimits,
): Promise<LoadedPlugin<Kind>> {
  const plugin = await callPlugin({ kind, name, member: 'import' }, () => importPlugin(kind, module), limits);
  const parsed = await plugin.optionsSchema.safeParseAsync(options);
  if (parsed.success) return { plugin, options: parsed.data };
  // Only paths: zod's messages can quote the value.
  const paths = parsed.error.issues.map((issue) => issue.path.join('.') || '(all)').join(', ');
  throw new ConfigError(
    'CONFIG_INVALID',
    `The options of ${kind} plugin ${name} are not what it takes [paths=${paths}]; use the same version of it on both sides.`,
  );
}
