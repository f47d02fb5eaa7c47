/** How plugins are called, and which packages a name may mean. */
import type { PluginKind } from '../contracts/plugin.ts';

/** The plugins that Splitrock itself publishes. For suggestions only: nothing here is needed to load a plugin. */
export const OFFICIAL_PLUGINS: Readonly<Record<PluginKind, readonly string[]>> = {
  backend: ['localhost', 'k8s', 'k8s-rabbitmq'],
  storage: ['local', 'memory', 's3', 'redis'],
  monitoring: ['storage', 'rabbitmq', 'redis'],
};

export const isPluginName = (text: string): boolean => /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(text);

/** Whether a value names a module by its place: `./my-backend.ts`, `/opt/x.js`, `file:///…`. */
export const isModulePath = (text: string): boolean => /^(?:\.{1,2}(?:[/\\]|$)|[/\\]|[A-Za-z]:[/\\]|file:)/.test(text);

/** The packages that a value may mean, best first. */
export function packageCandidates(kind: PluginKind, value: string): readonly string[] {
  return isPluginName(value) ? [`@splitrock/${kind}-${value}`, `splitrock-${kind}-${value}`, value] : [value];
}

/** The plugin that a package of the naming scheme holds, or `undefined` for other packages. */
export function pluginOfPackage(kind: PluginKind, packageName: string): string | undefined {
  const prefix = [`@splitrock/${kind}-`, `splitrock-${kind}-`].find((start) => packageName.startsWith(start));
  return prefix === undefined ? undefined : packageName.slice(prefix.length);
}
